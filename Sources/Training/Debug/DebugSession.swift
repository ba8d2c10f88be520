import Core
import Kernels
import Logging
import Model
import QuestionAnswering

/// What `--debug` shows and checks before the first step.
struct DebugSession {
    let settings: TrainingSettings
    let prepared: PreparedTraining
    let model: SpanModel
    /// Laid out as the parameters, all zero; left so.
    let gradients: FloatBuffer
    /// What the parameters are of, as a user would name it.
    let source: String
    let logger: Logger

    /// - Returns: what looks at the steps that follow.
    /// - Throws: `NonFiniteNumber` for the weights, `GradientMismatch`.
    func run() throws -> StepWatch {
        let training = prepared.training
        let dataset = try prepared.loader.texts(of: settings.trainingRequest)
        log(
            try TrainingDataView(features: training, tokenizer: prepared.loaded.tokenizer, dataset: dataset)
                .lines())
        let shown = training.features.firstIndex { $0.label.map { $0 != .unanswerable } ?? false } ?? 0
        log(view(training.features[shown], dataset: try dataset?.auditingAnswers().dataset).lines())
        try checkWeights()
        try checkGradients(training.features[shown], name: training.name(shown))
        let logger = logger
        return StepWatch(model, interval: settings.loggingSteps) { logger.info("\($0)") }
    }

    private func log(_ lines: [String]) { for line in lines { logger.info("\(line)") } }

    private func view(_ feature: Feature, dataset: Dataset?) -> FeatureView {
        let texts = dataset.map { dataset in
            let question = dataset.questions[feature.questionIndex]
            return (question: question, context: CodePoints(dataset.context(of: question)))
        }
        return FeatureView(
            feature: feature, questionID: prepared.training.questionIDs[feature.questionIndex],
            windows: prepared.training.features.count { $0.questionIndex == feature.questionIndex },
            tokenizer: prepared.loaded.tokenizer, configuration: model.configuration, texts: texts)
    }

    private func checkWeights() throws {
        let parameters = UnsafePointer(model.parameters.pointer)
        if let (element, value) = model.layout.firstNonFinite(parameters) {
            throw NonFiniteNumber(value: value, place: .weight(source: source, element))
        }
        var largest = (name: "", value: Float(0))
        for parameter in model.layout.parameters {
            let value = parameter.range.reduce(Float(0)) { max($0, abs(parameters[$1])) }
            if value > largest.value { largest = (parameter.name, value) }
        }
        log(
            ["", "== Weights", ""]
                + DebugText.entry("numbers", "all \(model.layout.count) are finite")
                + DebugText.entry("largest", "\(largest.value) in \(largest.name)"))
    }

    private func checkGradients(_ feature: Feature, name: String) throws {
        log(["", "== Gradients against finite differences, on feature \(PrintableText.onOneLine(name))", ""])
        let cut = feature.cut(to: model.configuration.hiddenSize < 512 ? 32 : 24)
        if model.productWeights.precision != .single {
            let reason =
                "fp32 whatever --precision says: rounding to \(model.productWeights.precision.rawValue) would hide mistakes"
            log(DebugText.entry("precision", reason))
        }
        let checked = model.inSinglePrecision(tokens: cut.wordIDs.count)
        guard let result = GradientCheck(checked, gradients: gradients).run(cut) else {
            return log(DebugText.entry("left out", "the features have no labels"))
        }
        guard result.isFinite else {
            let reason = "numbers that are not finite come up in it: see the first step"
            return log(DebugText.entry("left out", reason))
        }
        log(result.lines)
        if let mismatch = GradientMismatch(result) { throw mismatch }
    }
}

extension SpanModel {
    /// The same parameters with products of singles, which is what finite differences can judge; with memory for so many
    /// tokens where that takes a model of its own.
    fileprivate func inSinglePrecision(tokens: Int) -> SpanModel {
        guard productWeights.precision != .single else { return self }
        return SpanModel(
            configuration: configuration, layout: layout, parameters: parameters,
            capacity: BatchCapacity(tokens: tokens, sequenceLength: tokens), pool: pool, scope: scope)
    }
}

extension FeatureLoader {
    /// The texts of what was asked for, on rank 0; nil where some of it was made beforehand.
    func texts(of request: FeatureRequest) throws -> Dataset? {
        guard request.files.allSatisfy({ FeatureFileFormat.of($0) == nil }) else { return nil }
        return try read(request)
    }
}

extension Feature {
    /// At most about `count` of the feature's tokens, the answer's first among them: a little of the question, and of
    /// the context what is around the answer.
    func cut(to count: Int) -> InputSequence {
        let before = Array(0..<contextStart)
        let after = Array(contextRange.upperBound..<inputIDs.count)
        func ends(_ tokens: [Int]) -> [Int] {
            tokens.count <= 6 ? tokens : Array(tokens.prefix(5)) + [tokens[tokens.count - 1]]
        }
        let (head, tail) = (ends(before), ends(after))
        let room = max(count - head.count - tail.count, 1)
        let label = label ?? .unanswerable
        let answer = label == .unanswerable ? contextStart..<contextStart : label.start..<label.end + 1
        let margin = max(room - answer.count, 0) / 2
        let latest = max(contextRange.upperBound - room, contextStart)
        let first = min(max(answer.lowerBound - margin, contextStart), latest)
        let kept = head + Array(first..<min(first + room, contextRange.upperBound)) + tail
        func place(_ token: Int) -> Int { kept.lastIndex { $0 <= token && !tail.contains($0) } ?? 0 }
        return InputSequence(
            wordIDs: kept.map { inputIDs[$0] }, tokenTypeIDs: kept.map { tokenTypeIDs[$0] },
            label: self.label == nil
                ? nil
                : label == .unanswerable
                    ? SpanLabel(start: 0, end: 0)
                    : SpanLabel(start: place(label.start), end: place(label.end)), position: 0)
    }
}
