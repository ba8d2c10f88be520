import QuestionAnswering

/// The logits of one model, or of several averaged, over the same windows of a dataset.
package struct WindowLogits: Sendable {
    /// Every window of every question, with the texts.
    package let data: FeatureSet
    /// One for each window.
    package let logits: [SpanLogits]
    /// Whose they are.
    package let models: [String]
    /// Hash of the tokenizer that cut the windows; logits of the same windows can be averaged.
    package let tokenizer: String

    package init(data: FeatureSet, logits: [SpanLogits], models: [String], tokenizer: String) {
        precondition(data.count == logits.count && !models.isEmpty)
        self.data = data
        self.logits = logits
        self.models = models
        self.tokenizer = tokenizer
    }

    /// Whether both have the same tokens in the same windows.
    func hasSameWindows(as other: WindowLogits) -> Bool {
        tokenizer == other.tokenizer
            && data.features.elementsEqual(other.data.features) {
                $0.questionIndex == $1.questionIndex && $0.window == $1.window && $0.inputIDs == $1.inputIDs
                    && $0.contextRange == $1.contextRange
            }
    }

    /// Averages the logits of those with the same windows, in which every model counts once; the others stay
    /// apart. In order of first appearance.
    package static func averagingSameWindows(_ all: [WindowLogits]) -> [WindowLogits] {
        var classes: [[WindowLogits]] = []
        for one in all {
            if let index = classes.firstIndex(where: { $0[0].hasSameWindows(as: one) }) {
                classes[index].append(one)
            } else {
                classes.append([one])
            }
        }
        return classes.map(average)
    }

    private static func average(_ members: [WindowLogits]) -> WindowLogits {
        guard members.count > 1 else { return members[0] }
        let weights = members.map { Double($0.models.count) }
        let total = weights.reduce(0, +)
        func mean(_ values: KeyPath<SpanLogits, [Float]>, _ window: Int) -> [Float] {
            var sum = [Double](repeating: 0, count: members[0].logits[window][keyPath: values].count)
            for (member, weight) in zip(members, weights) {
                for (index, value) in member.logits[window][keyPath: values].enumerated() {
                    sum[index] += weight * Double(value)
                }
            }
            return sum.map { Float($0 / total) }
        }
        return WindowLogits(
            data: members[0].data,
            logits: members[0].logits.indices.map { window in
                SpanLogits(start: mean(\.start, window), end: mean(\.end, window))
            },
            models: members.flatMap(\.models), tokenizer: members[0].tokenizer)
    }
}
