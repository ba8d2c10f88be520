/// One window of a question's context as the model reads it: question and context between special tokens, unpadded.
package struct Feature: Sendable, Equatable {
    /// Into the dataset's questions.
    package let questionIndex: Int
    /// From 0, along the context.
    package let window: Int
    /// Every token of the feature.
    package let inputIDs: [Int32]
    /// Index in `inputIDs` of the first token of type 1; their count where all are of type 0.
    package let segmentBoundary: Int
    /// Index in `inputIDs` of the first context token.
    package let contextStart: Int
    /// The context tokens of this window, shared with the other windows and questions of the context. Their
    /// offsets are code points of the whole context.
    package let contextTokens: ArraySlice<Token>
    /// The answer as indexes into `inputIDs`; 0 and 0, the `[CLS]`, for a window without it. Nil when no
    /// labels were asked for.
    package let label: Label?

    package struct Label: Sendable, Equatable {
        package let start: Int
        package let end: Int

        package init(start: Int, end: Int) {
            self.start = start
            self.end = end
        }

        /// The label of a window that does not hold the answer.
        package static let unanswerable = Label(start: 0, end: 0)
    }

    /// - segmentBoundary: nil stands for the first context token.
    package init(
        questionIndex: Int, window: Int, inputIDs: [Int32], segmentBoundary: Int? = nil, contextStart: Int,
        contextTokens: ArraySlice<Token>, label: Label? = nil
    ) {
        precondition(contextStart >= 0 && contextStart + contextTokens.count <= inputIDs.count)
        precondition(segmentBoundary.map { (0...inputIDs.count).contains($0) } ?? true)
        self.questionIndex = questionIndex
        self.window = window
        self.inputIDs = inputIDs
        self.segmentBoundary = segmentBoundary ?? contextStart
        self.contextStart = contextStart
        self.contextTokens = contextTokens
        self.label = label
    }

    /// Tokens in the feature.
    package var count: Int { inputIDs.count }

    /// Indexes of the context tokens in `inputIDs`.
    package var contextRange: Range<Int> { contextStart..<contextStart + contextTokens.count }

    /// 0 before `segmentBoundary`, then 1.
    package var tokenTypeIDs: [Int32] { inputIDs.indices.map { $0 < segmentBoundary ? 0 : 1 } }

    /// The same with every token of type 0.
    package var withoutTokenTypes: Feature {
        Feature(
            questionIndex: questionIndex, window: window, inputIDs: inputIDs,
            segmentBoundary: inputIDs.count, contextStart: contextStart, contextTokens: contextTokens,
            label: label)
    }

    /// The context token at an index into `inputIDs`, nil when that is none of the context's.
    package func contextToken(at index: Int) -> Token? {
        contextRange.contains(index) ? contextTokens[contextTokens.startIndex + index - contextStart] : nil
    }
}
