import Kernels
import Testing

@Suite struct SpanLossTests {
    @Test(
        "span logits: forward and every gradient",
        arguments: [(1, 1), (2, 5), (7, 17), (65, 48), (200, 130), (275, 16)])
    func verifies(_ shape: (tokens: Int, width: Int)) {
        verify(SpanCase(tokens: shape.tokens, width: shape.width))
    }

    @Test("cross entropy and its gradient, by finite differences", arguments: [1, 2, 7, 17, 65, 200])
    func crossEntropy(_ count: Int) {
        var random = TestRandom(UInt64(count))
        for weight in [1, 1.0 / 24] as [Float] {
            let logits = random.normals(count, scale: 3)
            let label = Int.random(in: 0..<count, using: &random)
            let row = Memory(logits)
            let loss = crossEntropyRow(row.pointer, count, label: label, weight: weight).loss
            let expected = Reference.crossEntropy(logits.doubles, label: label)
            #expect(abs(loss - expected) <= 3e-7 * max(expected, 1))
            // One logit has no gradient.
            guard count > 1 else {
                #expect(loss == 0 && row.values() == [0])
                continue
            }
            let error = gradientError(row.values().doubles, at: ["logits": logits.doubles], along: "logits") {
                Double(weight) * Reference.crossEntropy($0["logits", default: []], label: label)
            }
            #expect(error < 1e-6)
        }
    }

    @Test("smoothed cross entropy and its gradient, by finite differences", arguments: [2, 7, 65, 200])
    func smoothedCrossEntropy(_ count: Int) {
        var random = TestRandom(UInt64(count) + 1)
        for smoothing in [0.01, 0.1, 0.5] {
            let logits = random.normals(count, scale: 3)
            let label = Int.random(in: 0..<count, using: &random)
            let row = Memory(logits)
            let loss = crossEntropyRow(
                row.pointer, count, label: label, weight: 0.5, smoothing: Float(smoothing)
            ).loss
            func expected(_ logits: [Double]) -> Double {
                let all = (0..<count).map { Reference.crossEntropy(logits, label: $0) }
                let share = Double(Float(smoothing))
                return (1 - share) * all[label] + share * all.reduce(0, +) / Double(count)
            }
            #expect(abs(loss - expected(logits.doubles)) <= 1e-6 * max(loss, 1))
            let error = gradientError(row.values().doubles, at: ["logits": logits.doubles], along: "logits") {
                0.5 * expected($0["logits", default: []])
            }
            #expect(error < 1e-6)
        }
    }

    @Test("losses are those of PyTorch in float64, also where all the rest underflows")
    func agreesWithFixtures() throws {
        for fixture in try KernelFixtures.load().crossEntropy {
            let row = Memory(fixture.logits)
            let (loss, _) = crossEntropyRow(
                row.pointer, fixture.logits.count, label: fixture.target, weight: 1)
            #expect(abs(loss - fixture.loss) <= 3e-7 * max(fixture.loss, 1))
            #expect(largestDifference(row.values().doubles, fixture.dlogits) < 3e-7)
        }
    }

    @Test("a label counts as correct when it is the first of the largest logits")
    func correctness() {
        func correct(_ logits: [Float], _ label: Int) -> Bool {
            crossEntropy(logits, label).correct
        }
        #expect(correct([1, 3, 2], 1))
        #expect(!correct([1, 3, 2], 2))
        #expect(correct([3, 1, 3], 0))
        #expect(!correct([3, 1, 3], 2))
        #expect(correct([-1e30], 0))
    }

    @Test("a logit that is not finite makes the loss so")
    func nonFinite() {
        for logits in [[Float.nan, 0], [0, .nan], [.infinity, 0]] {
            #expect(!crossEntropy(logits, 0).loss.isFinite, "\(logits)")
        }
    }

    private func crossEntropy(_ logits: [Float], _ label: Int) -> (loss: Double, correct: Bool) {
        let row = Memory(logits)
        defer { keep(row) }
        return crossEntropyRow(row.pointer, logits.count, label: label, weight: 1)
    }
}

private struct SpanCase: KernelCase {
    let inputs: [String: [Float]]
    let upstream: [Float]
    private let tokens: Int
    private let width: Int

    init(tokens: Int, width: Int) {
        self.tokens = tokens
        self.width = width
        var random = TestRandom(UInt64(tokens * 1000 + width))
        inputs = [
            "hidden": random.normals(tokens * width), "weight": random.normals(2 * width),
            "bias": random.normals(2),
        ]
        upstream = random.normals(2 * tokens)
    }

    func run(_ pool: WorkerPool) -> KernelOutcome {
        let memory = inputs.mapValues { Memory($0) }
        guard let hidden = memory["hidden"], let weight = memory["weight"], let bias = memory["bias"]
        else { return KernelOutcome(output: [], gradients: [:]) }
        let (start, end) = (Memory.unset(tokens), Memory.unset(tokens))
        spanLogitsForward(
            pool, tokens: tokens, width: width, hidden: hidden.pointer, weight: weight.pointer,
            bias: bias.pointer, start: start.pointer, end: end.pointer)
        let startGradient = Memory(Array(upstream[..<tokens]))
        let endGradient = Memory(Array(upstream[tokens...]))
        let hiddenGradient = Memory.unset(tokens * width)
        let (weightGradient, biasGradient) = (Memory.started(2 * width), Memory.started(2))
        spanLogitsBackward(
            pool, tokens: tokens, width: width, hidden: hidden.pointer, weight: weight.pointer,
            startGradient: startGradient.pointer, endGradient: endGradient.pointer,
            hiddenGradient: hiddenGradient.pointer, weightGradient: weightGradient.pointer,
            biasGradient: biasGradient.pointer)
        keep(memory, startGradient, endGradient)
        return KernelOutcome(
            output: start.values() + end.values(),
            gradients: [
                "hidden": hiddenGradient.values().doubles, "weight": weightGradient.added(),
                "bias": biasGradient.added(),
            ])
    }

    func reference(_ inputs: [String: [Double]]) -> [Double] {
        (0..<2).flatMap { which in
            (0..<tokens).map { token in
                Reference.dot(
                    row(inputs["hidden", default: []], token, width),
                    row(inputs["weight", default: []], which, width)) + inputs["bias", default: []][which]
            }
        }
    }
}
