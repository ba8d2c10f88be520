import QuestionAnswering

extension DatasetOverlap {
    /// What two sets of features have in common, by the tokens of first windows: texts need not be there any more.
    init(_ training: FeatureSet, _ validation: FeatureSet) {
        var contexts: Set<UInt64> = []
        var windows: Set<UInt64> = []
        for feature in training.features where feature.window == 0 {
            contexts.insert(Self.hash(feature.contextBeginning))
            windows.insert(Self.hash(feature.inputIDs[...]))
        }
        var shared: Set<UInt64> = []
        var (sharedContext, sharedQuestion): ([String], [String]) = ([], [])
        for feature in validation.features where feature.window == 0 {
            let context = Self.hash(feature.contextBeginning)
            guard contexts.contains(context) else { continue }
            let id = validation.questionIDs[feature.questionIndex]
            shared.insert(context)
            sharedContext.append(id)
            if windows.contains(Self.hash(feature.inputIDs[...])) { sharedQuestion.append(id) }
        }
        self.init(
            sharedContext: sharedContext, sharedQuestion: sharedQuestion, contextCount: shared.count)
    }

    private static func hash(_ tokens: ArraySlice<Int32>) -> UInt64 {
        var hash = ContentHash()
        tokens.withUnsafeBytes { hash.add($0) }
        return hash.value
    }
}

extension Feature {
    /// As much as tells a context from others.
    fileprivate var contextBeginning: ArraySlice<Int32> { inputIDs[contextRange].prefix(64) }
}
