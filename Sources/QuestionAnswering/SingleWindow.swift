/// `[CLS] context [SEP] question [SEP]` in one feature a question, as the KcBERT tutorial has it: a context that
/// does not fit is cut at its end. An answer that is cut off counts as one that the window does not hold.
struct SingleWindow: FeatureStrategy {
    let settings: FeatureSettings
    private let specialTokens: SpecialTokenIDs

    init(settings: FeatureSettings, specialTokens: SpecialTokenIDs) throws(FeatureError) {
        self.settings = settings
        self.specialTokens = specialTokens
    }

    func features(
        of question: EncodedQuestion, in context: EncodedContext
    ) throws(FeatureError) -> [Feature] {
        let room = room(beside: question)
        guard room > 0 else { throw tooLong(question) }
        let tokens = context.tokens.prefix(room)
        let label = label(of: question, tokens: tokens, contextStart: 1)
        guard keeps(label) else { return [] }
        let ids = framed(tokens, question.tokens, specialTokens)
        return [
            Feature(
                questionIndex: question.index, window: 0, inputIDs: ids,
                segmentBoundary: settings.usesTokenTypes ? tokens.count + 2 : ids.count, contextStart: 1,
                contextTokens: tokens, label: label)
        ]
    }
}
