/// Cuts questions and contexts into features: encodes both, the context cleaned where that is asked for, and leaves
/// the rest to the strategy of the settings. Holds no state: any number of threads may use one.
package struct FeatureBuilder: Sendable {
    package let tokenizer: any Tokenizer
    package let settings: FeatureSettings
    /// Whether a question whose answer cleaning touches keeps its context as it is. Evaluation may not look at
    /// answers: there every context is cleaned, and labels go by the tokens that are left.
    package let sparesAnswers: Bool
    private let strategy: any FeatureStrategy

    /// - Throws: `FeatureError` when the settings leave no room for text at all.
    package init(
        tokenizer: any Tokenizer, settings: FeatureSettings, sparesAnswers: Bool = true
    ) throws(FeatureError) {
        // One token of question and one of context are the least that makes sense.
        guard settings.maxSequenceLength >= framingTokenCount + 2 else {
            throw .sequenceTooShort(maxSequenceLength: settings.maxSequenceLength)
        }
        guard settings.maxQueryLength.map({ $0 > 0 }) ?? true else {
            throw .emptyQuery(maxQueryLength: settings.maxQueryLength ?? 0)
        }
        self.tokenizer = tokenizer
        self.settings = settings
        self.sparesAnswers = sparesAnswers
        strategy = try settings.layout.strategy.init(
            settings: settings, specialTokens: tokenizer.specialTokenIDs)
    }

    /// Features of the questions at `indexes` (all, when nil), in their order and window by window.
    ///
    /// - Parameter labelled: give each its answer positions, as training needs them.
    /// - Throws: `FeatureError` for the first question that does not fit the settings.
    package func features(
        of dataset: Dataset, questions indexes: [Int]? = nil, labelled: Bool
    ) throws(FeatureError) -> [Feature] {
        var features: [Feature] = []
        var context: (index: Int, forms: ContextForms)?
        for index in indexes ?? Array(dataset.questions.indices) {
            let question = dataset.questions[index]
            var forms: ContextForms
            if let context, context.index == question.contextIndex {
                forms = context.forms
            } else {
                forms = self.forms(of: dataset.context(of: question))
            }
            let form = forms.form(for: question, labelled: labelled)
            features += try self.features(
                of: question, index: index, context: forms.encoded(form), labelled: labelled)
            context = (question.contextIndex, forms)
        }
        return features
    }

    /// Features of one question, whose context was encoded before: contexts are shared by questions.
    ///
    /// - Throws: `FeatureError` when the question leaves too little room for context.
    package func features(
        of question: Question, index: Int, context: EncodedContext, labelled: Bool
    ) throws(FeatureError) -> [Feature] {
        let encoded = tokenizer.encode(PythonText.leftStripped(question.text))
        let answer = labelled ? question.answers.first : nil
        return try strategy.features(
            of: EncodedQuestion(
                id: question.id, index: index,
                tokens: encoded.prefix(settings.maxQueryLength ?? encoded.count),
                isLabelled: labelled,
                answer: answer.map { $0.start..<$0.start + $0.text.unicodeScalars.count }),
            in: context)
    }

    /// A context in the forms that its questions need.
    package func forms(of context: String) -> ContextForms { ContextForms(context, builder: self) }

    fileprivate func encode(_ context: String, cleaned: CleanedText?) -> EncodedContext {
        let text = cleaned?.text ?? context
        let tokens = tokenizer.encode(text)
        let starts =
            settings.splitsSentences
            ? SentenceStarts.indexes(in: tokens, offsets: SentenceStarts.offsets(in: text)) : []
        return EncodedContext(
            tokens: cleaned.map { tokens.map($0.original) } ?? tokens, sentenceStarts: starts)
    }
}

/// A context cleaned and as it is, each encoded once, and only when a question needs it.
package struct ContextForms {
    package enum Form: Sendable, Hashable {
        /// Without what the cleaning of the settings leaves out.
        case cleaned
        /// As it is, where that is something else.
        case original
    }

    package let cleanedText: CleanedText?
    private let text: String
    private let builder: FeatureBuilder
    private var encoded: [Form: EncodedContext] = [:]

    fileprivate init(_ text: String, builder: FeatureBuilder) {
        self.text = text
        self.builder = builder
        cleanedText = builder.settings.cleaning.cleaned(text)
    }

    /// The form that a question is asked about.
    package func form(for question: Question, labelled: Bool) -> Form {
        guard labelled, builder.sparesAnswers, let cleanedText else { return .cleaned }
        return cleanedText.touches(question) ? .original : .cleaned
    }

    package mutating func encoded(_ form: Form) -> EncodedContext {
        if let known = encoded[form] { return known }
        let new = builder.encode(text, cleaned: form == .cleaned ? cleanedText : nil)
        encoded[form] = new
        return new
    }
}

extension CleanedText {
    /// Whether any of the question's answers holds something that was changed.
    package func touches(_ question: Question) -> Bool {
        question.answers.contains { touches(start: $0.start, count: $0.text.unicodeScalars.count) }
    }
}
