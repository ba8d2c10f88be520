/// A question as a strategy gets it.
package struct EncodedQuestion: Sendable {
    package let id: String
    /// Into the dataset's questions.
    package let index: Int
    /// Cut to `maxQueryLength`.
    package let tokens: ArraySlice<Token>
    /// Whether features carry labels.
    package let isLabelled: Bool
    /// The first answer, in code points of the context; nil when there is none or no labels are asked for.
    package let answer: Range<Int>?
}

/// A context as a strategy gets it.
package struct EncodedContext: Sendable {
    /// Their offsets are code points of the dataset's context, also when it was cleaned before.
    package let tokens: [Token]
    /// Indexes of the tokens that begin a sentence, ascending, but for the first; empty unless
    /// `FeatureSettings.splitsSentences`.
    package let sentenceStarts: [Int]

    package init(tokens: [Token], sentenceStarts: [Int] = []) {
        self.tokens = tokens
        self.sentenceStarts = sentenceStarts
    }
}

/// A way from a question and its context to features. `FeatureBuilder` encodes both and hands them to the strategy
/// of its settings' `layout`.
///
/// A further one takes a file with a type that conforms, and a case of `FeatureLayout` that names it. Everything else
/// follows: the command line offers the case, caches and checkpoints tell it from others, ranks share its work. What
/// features are good for rests on these promises:
/// - at least one window a question, numbered from 0 in order, but for those that `keeps` refuses;
/// - no feature longer than `maxSequenceLength`, with `[CLS]` first, where unanswerable windows point;
/// - `contextTokens` is a slice of the context's tokens, and stands in `inputIDs` from `contextStart` on: answers
///   are sought there, and nowhere else;
/// - the same features for the same input, whichever rank and thread makes them.
package protocol FeatureStrategy: Sendable {
    /// - Throws: `FeatureError` when settings do not fit together. That there is room for a token each of question
    ///   and context is known.
    init(settings: FeatureSettings, specialTokens: SpecialTokenIDs) throws(FeatureError)

    var settings: FeatureSettings { get }

    /// The question's features, window by window.
    ///
    /// - Throws: `FeatureError.questionTooLong` when the question leaves too little room for context.
    func features(
        of question: EncodedQuestion, in context: EncodedContext
    ) throws(FeatureError) -> [Feature]
}

/// `[CLS]` and two `[SEP]`.
let framingTokenCount = 3

extension FeatureStrategy {
    /// Tokens that the question leaves for context; may be negative.
    func room(beside question: EncodedQuestion) -> Int {
        settings.maxSequenceLength - framingTokenCount - question.tokens.count
    }

    func tooLong(_ question: EncodedQuestion) -> FeatureError {
        .questionTooLong(questionID: question.id, tokenCount: question.tokens.count, settings: settings)
    }

    /// `[CLS] first [SEP] second [SEP]`.
    func framed(
        _ first: ArraySlice<Token>, _ second: ArraySlice<Token>, _ special: SpecialTokenIDs
    ) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(first.count + second.count + framingTokenCount)
        ids.append(special.classification)
        ids.append(contentsOf: first.lazy.map(\.id))
        ids.append(special.separator)
        ids.append(contentsOf: second.lazy.map(\.id))
        ids.append(special.separator)
        return ids
    }

    /// The label of a window with these context tokens: from the last that begins at or before the answer's start to
    /// the first that ends at or after its end; `unanswerable` when the window does not hold all of the answer.
    func label(of question: EncodedQuestion, tokens: ArraySlice<Token>, contextStart: Int) -> Feature.Label? {
        guard question.isLabelled else { return nil }
        guard let span = question.answer, let first = tokens.first, let last = tokens.last,
            first.start <= span.lowerBound, last.end >= span.upperBound,
            let start = tokens.lastIndex(where: { $0.start <= span.lowerBound }),
            let end = tokens.firstIndex(where: { $0.end >= span.upperBound })
        else { return .unanswerable }
        let shift = contextStart - tokens.startIndex
        return Feature.Label(start: start + shift, end: end + shift)
    }

    /// Whether a window with this label is wanted.
    func keeps(_ label: Feature.Label?) -> Bool {
        label != .unanswerable || settings.unanswerableWindows == .cls
    }
}
