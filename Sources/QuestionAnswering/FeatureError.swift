/// Settings that do not fit together or do not fit a question, and logits that no answer can be read from.
package enum FeatureError: Error, Equatable, Sendable {
    case sequenceTooShort(maxSequenceLength: Int)
    case strideTooLarge(documentStride: Int, maxSequenceLength: Int)
    case emptyQuery(maxQueryLength: Int)
    case questionTooLong(questionID: String, tokenCount: Int, settings: FeatureSettings)
    case nonFiniteLogits(questionID: String, window: Int)
}

extension FeatureError: CustomStringConvertible {
    /// `WHAT (WHERE): WHAT TO DO`.
    package var description: String {
        switch self {
        case .sequenceTooShort(let length):
            return "no room for a question and a context (max-seq-length \(length)): "
                + "give --max-seq-length at least 5, usually 384"
        case .strideTooLarge(let stride, let length):
            if stride < 0 {
                return
                    "the overlap of windows is negative (doc-stride \(stride)): give --doc-stride 0 or more"
            }
            return "windows would overlap by all the room they have "
                + "(doc-stride \(stride), max-seq-length \(length)): "
                + "lower --doc-stride or raise --max-seq-length"
        case .emptyQuery(let length):
            return "questions would be cut to nothing (max-query-length \(length)): "
                + "give --max-query-length at least 1"
        case .questionTooLong(let id, let count, let settings):
            let room = max(settings.maxSequenceLength - count - framingTokenCount, 0)
            let (overlap, stride, remedy) =
                settings.layout == .default
                ? (
                    ", with windows that overlap by \(settings.documentStride)",
                    ", doc-stride \(settings.documentStride)", ", lower --doc-stride, or"
                ) : ("", "", " or")
            return
                "the question's \(count) tokens leave room for \(room) of context\(overlap) (question \(id), "
                + "max-seq-length \(settings.maxSequenceLength)\(stride)): raise --max-seq-length\(remedy) cut "
                + "questions with --max-query-length"
        case .nonFiniteLogits(let id, let window):
            return "a logit is not a finite number (question \(id), window \(window)): "
                + "use an earlier checkpoint; the model's weights are damaged or training diverged"
        }
    }
}
