import QuestionAnswering

extension DatasetOverlap {
    /// Compares two sets of features by the tokens of first windows: texts need not be there any more.
    init(_ training: FeatureSet, _ validation: FeatureSet) {
        // What is validated on is little beside what is trained on, of which nothing is kept.
        var contexts: [UInt64: Bool] = [:]
        var windows: [UInt64: Bool] = [:]
        for feature in validation.features where feature.window == 0 {
            contexts[Self.hash(feature.contextBeginning)] = false
            windows[Self.hash(feature.inputIDs[...])] = false
        }
        for feature in training.features where feature.window == 0 {
            let context = Self.hash(feature.contextBeginning)
            guard contexts[context] != nil else { continue }
            contexts[context] = true
            let window = Self.hash(feature.inputIDs[...])
            if windows[window] != nil { windows[window] = true }
        }
        var shared: Set<UInt64> = []
        var (sharedContext, sharedQuestion): ([String], [String]) = ([], [])
        for feature in validation.features where feature.window == 0 {
            let context = Self.hash(feature.contextBeginning)
            guard contexts[context] == true else { continue }
            let id = validation.questionIDs[feature.questionIndex]
            shared.insert(context)
            sharedContext.append(id)
            if windows[Self.hash(feature.inputIDs[...])] == true { sharedQuestion.append(id) }
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
