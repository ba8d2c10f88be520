/// What to do for training with a window that does not hold the answer.
package enum UnanswerableWindows: String, Sendable, Codable, CaseIterable {
    /// Both positions point at `[CLS]`.
    case cls
    /// Leave the window out.
    case drop
}

/// Ways from question and context to features, by their names on the command line.
package enum FeatureLayout: String, Sendable, Codable, CaseIterable {
    /// As `run_qa.py`: the question, then a window of the context; as many windows as it takes.
    case `default`
    /// As the KcBERT tutorial: the context, cut where it is too long, then the question.
    case singleWindow = "single-window"

    var strategy: any FeatureStrategy.Type {
        switch self {
        case .default: SlidingWindows.self
        case .singleWindow: SingleWindow.self
        }
    }
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
    package var layout = FeatureLayout.default
    /// What of contexts is not read.
    package var cleaning = TextCleaning.none
    /// Whether windows begin with sentences, where they can.
    package var splitsSentences = false

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
