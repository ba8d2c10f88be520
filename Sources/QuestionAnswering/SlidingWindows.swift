/// `[CLS] question [SEP] context [SEP]` with the context cut into windows that overlap, as
/// `prepare_train_features` and `prepare_validation_features` of Hugging Face's `run_qa.py` do without padding.
struct SlidingWindows: FeatureStrategy {
    let settings: FeatureSettings
    private let specialTokens: SpecialTokenIDs

    init(settings: FeatureSettings, specialTokens: SpecialTokenIDs) throws(FeatureError) {
        // The windows of the shortest question must move on.
        guard settings.documentStride >= 0,
            settings.documentStride < settings.maxSequenceLength - framingTokenCount - 1
        else {
            throw .strideTooLarge(
                documentStride: settings.documentStride, maxSequenceLength: settings.maxSequenceLength)
        }
        self.settings = settings
        self.specialTokens = specialTokens
    }

    func features(
        of question: EncodedQuestion, in context: EncodedContext
    ) throws(FeatureError) -> [Feature] {
        let room = room(beside: question)
        guard room > 0, context.tokens.count <= room || settings.documentStride < room else {
            throw tooLong(question)
        }
        let first = question.tokens.count + 2
        var features: [Feature] = []
        for (window, range) in windows(of: context, room: room).enumerated() {
            let tokens = context.tokens[range]
            let label = label(of: question, tokens: tokens, contextStart: first)
            guard keeps(label) else { continue }
            let ids = framed(question.tokens, tokens, specialTokens)
            features.append(
                Feature(
                    questionIndex: question.index, window: window, inputIDs: ids,
                    segmentBoundary: settings.usesTokenTypes ? first : ids.count, contextStart: first,
                    contextTokens: tokens, label: label))
        }
        return features
    }

    /// Windows of at most `room` tokens; the first that reaches the end is the last. A context without tokens has one
    /// empty window.
    ///
    /// Each begins `room - documentStride` after the one before, or with the last sentence that begins before that and
    /// after the one before. Then two windows together still move on further than one does without sentences.
    private func windows(of context: EncodedContext, room: Int) -> [Range<Int>] {
        let count = context.tokens.count
        var windows: [Range<Int>] = []
        var start = 0
        var sentences = context.sentenceStarts[...]
        while true {
            let end = min(start + room, count)
            windows.append(start..<end)
            if end == count { return windows }
            var next = start + room - settings.documentStride
            let passed = sentences.prefix { $0 <= next }
            sentences = sentences.dropFirst(passed.count)
            if let sentence = passed.last, sentence > start { next = sentence }
            start = next
        }
    }
}
