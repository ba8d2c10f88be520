import Kernels
import Model

/// Mean, spread and largest absolute value of some numbers.
struct NumberStatistics: Equatable {
    private(set) var count = 0
    private(set) var largest: Float = 0
    private var sum = 0.0
    private var squares = 0.0

    mutating func add(_ values: UnsafePointer<Float>, _ count: Int) {
        for index in 0..<count {
            let value = values[index]
            sum += Double(value)
            squares += Double(value) * Double(value)
            largest = max(largest, abs(value))
        }
        self.count += count
    }

    var mean: Double { sum / Double(max(count, 1)) }
    /// Standard deviation.
    var spread: Double { max(squares / Double(max(count, 1)) - mean * mean, 0).squareRoot() }
}

/// Looks at every number of every step of a run: stops at the first that is not finite, and now and then tells how
/// large they are.
package final class StepWatch {
    private let model: SpanModel
    private let interval: Int
    private let log: (String) -> Void
    private var statistics: [Place: NumberStatistics] = [:]
    private var collects = false
    private var finding: Finding?

    /// What numbers are of.
    struct Place: Hashable {
        let operation: Operation
        let layer: Int?
        let isGradient: Bool
    }

    private struct Finding {
        let place: Place
        let value: Float
        /// In the global batch.
        let feature: Int
    }

    /// Looks at what `model` computes from here on.
    ///
    /// - interval: steps between tables; log: takes their lines.
    package init(_ model: SpanModel, interval: Int, log: @escaping (String) -> Void) {
        self.model = model
        self.interval = interval
        self.log = log
        model.inspect = { [weak self] in self?.look(at: $0) }
    }

    /// To be called before a step, counted from 0.
    func begin(_ step: Int) {
        statistics = [:]
        finding = nil
        collects = step == 0 || (step + 1) % interval == 0
    }

    /// To be called when forward and backward of a step are done.
    ///
    /// - names: of the features of the global batch.
    /// - Throws: `NonFiniteNumber`.
    func end(_ step: Int, names: () -> [String]) throws {
        if collects { for line in table(step + 1) { log(line) } }
        guard let finding else { return }
        let names = names()
        let feature = names.indices.contains(finding.feature) ? names[finding.feature] : "unknown"
        throw NonFiniteNumber(
            value: finding.value,
            place: .operation(
                step: step + 1, finding.place.operation, layer: finding.place.layer,
                isGradient: finding.place.isGradient, feature: feature))
    }

    /// To be called when a step has changed the parameters.
    ///
    /// - Throws: `NonFiniteNumber`.
    func checkParameters(after step: Int) throws {
        let parameters = model.parameters
        guard !squaredNorm(model.pool, parameters.pointer, parameters.count).isFinite,
            let (element, value) = model.layout.firstNonFinite(parameters.pointer)
        else { return }
        throw NonFiniteNumber(value: value, place: .parameter(step: step + 1, element))
    }

    private func look(at result: IntermediateResult) {
        // Whatever is made of a number that is not finite says nothing more.
        guard finding == nil else { return }
        let count = result.tokens * result.width
        let place = Place(
            operation: result.operation, layer: result.layer, isGradient: result.isGradient)
        if !squaredNorm(model.pool, result.values, count).isFinite,
            let index = (0..<count).first(where: { !result.values[$0].isFinite })
        {
            finding = Finding(
                place: place, value: result.values[index],
                feature: Int(result.features[index / result.width]))
            return
        }
        if collects { statistics[place, default: NumberStatistics()].add(result.values, count) }
    }
}

// MARK: The table

extension StepWatch {
    /// Every operation at the first step, later what layers hand on.
    private func table(_ step: Int) -> [String] {
        var lines = [
            "", "== Step \(step): activations and their gradients", "",
            DebugText.columns("", ["activations", "", "", "gradients", "", ""]),
            DebugText.columns("", ["mean", "spread", "largest", "mean", "spread", "largest"]),
        ]
        let all = Operation.allCases
        lines += rows(all.filter { $0.rawValue < Operation.queryKeyValue.rawValue }, layer: nil)
        for layer in 0..<model.configuration.layerCount {
            guard step == 1 else {
                lines += rows([.output], layer: layer, title: "layer \(layer)")
                continue
            }
            lines.append("layer \(layer)")
            lines += rows(
                [.queryKeyValue, .context, .attentionOutput, .intermediate, .activation, .output],
                layer: layer)
        }
        return lines + rows([.startLogits, .endLogits], layer: nil)
    }

    private func rows(_ operations: [Operation], layer: Int?, title: String? = nil) -> [String] {
        operations.compactMap { operation in
            let pair = [false, true].map { isGradient in
                statistics[Place(operation: operation, layer: layer, isGradient: isGradient)]
            }
            guard pair.contains(where: { $0 != nil }) else { return nil }
            let cells = pair.flatMap { statistics in
                statistics.map {
                    [$0.mean, $0.spread, Double($0.largest)].map(DebugText.number)
                } ?? ["–", "–", "–"]
            }
            return DebugText.columns(title ?? (layer == nil ? "" : "  ") + operation.name, cells)
        }
    }
}
