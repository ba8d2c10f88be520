/// What to do for training with a window that does not hold the answer.
package enum UnanswerableWindows: String, Sendable, Codable, CaseIterable {
    /// Both positions point at `[CLS]`.
    case cls
    /// Leave the window out.
    case drop
}

/// How features are cut.
package struct FeatureSettings: Sendable, Equatable {
    /// Most tokens in a feature, the three special ones counted.
    package var maxSequenceLength: Int
    /// Tokens by which neighbouring windows overlap.
    package var documentStride: Int
    /// Longer questions are cut to this many tokens.
    package var maxQueryLength: Int?
    package var unanswerableWindows: UnanswerableWindows
    /// Whether the second of question and context has token type 1; some models have only type 0.
    package var usesTokenTypes: Bool

    package init(
        maxSequenceLength: Int = 384, documentStride: Int = 128, maxQueryLength: Int? = nil,
        unanswerableWindows: UnanswerableWindows = .cls, usesTokenTypes: Bool = true
    ) {
        self.maxSequenceLength = maxSequenceLength
        self.documentStride = documentStride
        self.maxQueryLength = maxQueryLength
        self.unanswerableWindows = unanswerableWindows
        self.usesTokenTypes = usesTokenTypes
    }
}

/// Cuts questions and contexts into features, as `prepare_train_features` and `prepare_validation_features`
/// of Hugging Face's `run_qa.py` do without padding. Holds no state: any number of threads may use one.
package struct FeatureBuilder: Sendable {
    /// `[CLS]` and two `[SEP]`.
    private static let specialTokenCount = 3

    package let tokenizer: any Tokenizer
    package let settings: FeatureSettings

    /// - Throws: `FeatureError` when the settings leave no room for text at all.
    package init(tokenizer: any Tokenizer, settings: FeatureSettings) throws(FeatureError) {
        // One token of question and one of context are the least that makes sense.
        guard settings.maxSequenceLength >= Self.specialTokenCount + 2 else {
            throw .sequenceTooShort(maxSequenceLength: settings.maxSequenceLength)
        }
        guard settings.documentStride >= 0,
            settings.documentStride < settings.maxSequenceLength - Self.specialTokenCount - 1
        else {
            throw .strideTooLarge(
                documentStride: settings.documentStride, maxSequenceLength: settings.maxSequenceLength)
        }
        guard settings.maxQueryLength.map({ $0 > 0 }) ?? true else {
            throw .emptyQuery(maxQueryLength: settings.maxQueryLength ?? 0)
        }
        self.tokenizer = tokenizer
        self.settings = settings
    }

    /// Features of the questions at `indexes` (all, when nil), in their order and window by window.
    ///
    /// - Parameter labelled: give each its answer positions, as training needs them.
    /// - Throws: `FeatureError` for the first question that does not fit the settings.
    package func features(
        of dataset: Dataset, questions indexes: [Int]? = nil, labelled: Bool
    ) throws(FeatureError) -> [Feature] {
        var features: [Feature] = []
        var context: (index: Int, tokens: [Token])?
        for index in indexes ?? Array(dataset.questions.indices) {
            let question = dataset.questions[index]
            let tokens: [Token]
            if let context, context.index == question.contextIndex {
                tokens = context.tokens
            } else {
                tokens = tokenizer.encode(dataset.context(of: question))
                context = (question.contextIndex, tokens)
            }
            features += try self.features(
                of: question, index: index, contextTokens: tokens, labelled: labelled)
        }
        return features
    }

    /// Features of one question, whose context was encoded before: contexts are shared by questions.
    ///
    /// - Throws: `FeatureError` when the question leaves too little room for context.
    package func features(
        of question: Question, index: Int, contextTokens: [Token], labelled: Bool
    ) throws(FeatureError) -> [Feature] {
        let encoded = tokenizer.encode(PythonText.leftStripped(question.text))
        let questionTokens = encoded.prefix(settings.maxQueryLength ?? encoded.count)
        let room = settings.maxSequenceLength - Self.specialTokenCount - questionTokens.count
        guard room > 0, contextTokens.count <= room || settings.documentStride < room else {
            throw .questionTooLong(
                questionID: question.id, tokenCount: questionTokens.count, settings: settings)
        }
        let span = question.answers.first.map { $0.start..<$0.start + $0.text.unicodeScalars.count }
        var features: [Feature] = []
        for (window, range) in windows(of: contextTokens.count, room: room).enumerated() {
            let tokens = contextTokens[range]
            let first = questionTokens.count + 2
            let label = labelled ? self.label(of: span, tokens: tokens, contextStart: first) : nil
            if label == .unanswerable, settings.unanswerableWindows == .drop { continue }
            let ids = inputIDs(questionTokens, tokens)
            features.append(
                Feature(
                    questionIndex: index, window: window, inputIDs: ids,
                    segmentBoundary: settings.usesTokenTypes ? first : ids.count, contextStart: first,
                    contextTokens: tokens, label: label))
        }
        return features
    }

    /// Windows of at most `room` tokens, each starting `room - documentStride` after the one before; the
    /// first that reaches the end is the last. A context without tokens has one empty window.
    private func windows(of count: Int, room: Int) -> [Range<Int>] {
        guard count > room else { return [0..<count] }
        var windows: [Range<Int>] = []
        for start in stride(from: 0, to: count, by: room - settings.documentStride) {
            let end = min(start + room, count)
            windows.append(start..<end)
            if end == count { break }
        }
        return windows
    }

    private func inputIDs(_ question: ArraySlice<Token>, _ context: ArraySlice<Token>) -> [Int32] {
        let special = tokenizer.specialTokenIDs
        var ids: [Int32] = []
        ids.reserveCapacity(question.count + context.count + Self.specialTokenCount)
        ids.append(special.classification)
        ids.append(contentsOf: question.lazy.map(\.id))
        ids.append(special.separator)
        ids.append(contentsOf: context.lazy.map(\.id))
        ids.append(special.separator)
        return ids
    }

    /// From the last token that begins at or before the answer's start to the first that ends at or after
    /// its end, sought among the window's context tokens only.
    private func label(of span: Range<Int>?, tokens: ArraySlice<Token>, contextStart: Int) -> Feature.Label {
        guard let span, let first = tokens.first, let last = tokens.last,
            first.start <= span.lowerBound, last.end >= span.upperBound,
            let start = tokens.lastIndex(where: { $0.start <= span.lowerBound }),
            let end = tokens.firstIndex(where: { $0.end >= span.upperBound })
        else { return .unanswerable }
        let shift = contextStart - tokens.startIndex
        return Feature.Label(start: start + shift, end: end + shift)
    }
}
