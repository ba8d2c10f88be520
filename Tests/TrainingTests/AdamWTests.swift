import Distributed
import Foundation
import Kernels
import Model
import TestSupport
import Testing
import Training

@Suite struct AdamWTests {
    /// Rows of one vector: the first decays, the second does not.
    private struct Reference: Decodable {
        let settings: Settings
        let learningRates: [Double]
        let initial: [[Float]]
        let gradients: [[[Float]]]
        let parameters: [[[Double]]]
        let finalState: State

        struct Settings: Decodable {
            let weightDecay: Double

            enum CodingKeys: String, CodingKey {
                case weightDecay = "weight_decay"
            }
        }

        struct State: Decodable {
            let average: [[Double]]
            let squaredAverage: [[Double]]

            enum CodingKeys: String, CodingKey {
                case average = "exp_avg"
                case squaredAverage = "exp_avg_sq"
            }
        }

        enum CodingKeys: String, CodingKey {
            case settings, initial, gradients, parameters
            case learningRates = "learning_rates"
            case finalState = "final_state"
        }
    }

    /// Every tensor that has room begins with the fixture's vector, by whether it decays.
    private static func place(
        _ rows: [[Float]], in buffer: FloatBuffer, _ layout: ParameterLayout, scaledBy scale: Float = 1
    ) {
        for parameter in layout.parameters where parameter.count >= rows[0].count {
            for (index, value) in rows[parameter.decays ? 0 : 1].enumerated() {
                buffer.pointer[parameter.offset + index] = value * scale
            }
        }
    }

    @Test(arguments: [1, 3]) func updatesOfEveryTensorEqualTorchs(threads: Int) throws {
        let reference = try fixture("model/adamw.json", as: Reference.self)
        let layout = try TinyTraining().layout
        let width = reference.initial[0].count
        let parameters = FloatBuffer(count: layout.count)
        let gradients = FloatBuffer(count: layout.count)
        Self.place(reference.initial, in: parameters, layout)
        var settings = OptimizerSettings()
        settings.weightDecay = reference.settings.weightDecay
        let optimizer = try AdamW(
            layout: layout, settings: settings, pool: WorkerPool(threadCount: threads))
        for (step, rate) in reference.learningRates.enumerated() {
            Self.place(reference.gradients[step], in: gradients, layout)
            try optimizer.update(parameters, gradients: gradients, gradientScale: 1, learningRate: rate)
            for parameter in layout.parameters where parameter.count >= width {
                let actual = parameters.buffer[parameter.offset..<parameter.offset + width]
                let expected = reference.parameters[step][parameter.decays ? 0 : 1]
                for (a, b) in zip(actual, expected) {
                    #expect(abs(Double(a) - b) < 1e-6, "\(parameter.name), step \(step)")
                }
            }
        }
        #expect(optimizer.updates == reference.learningRates.count)
        for parameter in layout.parameters where parameter.count >= width {
            let row = parameter.decays ? 0 : 1
            let range = parameter.offset..<parameter.offset + width
            let average = reference.finalState.average[row].map { Float($0) }
            let squared = reference.finalState.squaredAverage[row].map { Float($0) }
            #expect(relativeDifference(optimizer.firstMoment.buffer[range], average) < 1e-6)
            #expect(relativeDifference(optimizer.secondMoment.buffer[range], squared) < 1e-6)
        }
    }

    /// With room for the moments each rank updates its share; with less, the first rank updates all.
    @Test(arguments: [(1, 2), (2, 2), (3, 2), (7, 2), (2, 1), (3, 1)])
    func ranksThatShareParametersMakeTheUpdateOfOne(ranks: Int, sharedBuffers: Int) throws {
        let layout = try TinyTraining().layout
        @Sendable func gradients(_ step: Int) -> FloatBuffer {
            let gradients = FloatBuffer(count: layout.count)
            for index in 0..<layout.count { gradients.pointer[index] = sin(Float(index * (step + 3))) }
            return gradients
        }
        @Sendable func train(_ parameters: FloatBuffer, sharing: (any Communicator)?) throws -> [[Float]] {
            let optimizer = try AdamW(
                layout: layout, settings: OptimizerSettings(), pool: WorkerPool(threadCount: 1),
                sharing: sharing)
            for step in 0..<3 {
                try optimizer.update(
                    parameters, gradients: gradients(step), gradientScale: 0.5, learningRate: 1e-2)
            }
            return [parameters, optimizer.firstMoment, optimizer.secondMoment].map { Array($0.buffer) }
        }
        let alone = try train(FloatBuffer(count: layout.count), sharing: nil)
        let together = try valuesOnRanks(ranks, sharedBuffers: sharedBuffers) { communicator in
            let parameters = try #require(try communicator.makeShared(count: layout.count))
            return try train(parameters, sharing: communicator)
        }
        #expect(together[0] == alone)
        #expect(together.allSatisfy { $0[0] == alone[0] })
        #expect(sharedBuffers < 2 || together.allSatisfy { $0 == alone })
    }

    @Test func theScaleMultipliesGradients() throws {
        let reference = try fixture("model/adamw.json", as: Reference.self)
        let layout = try TinyTraining().layout
        func parameters(scale: Float) throws -> [Float] {
            let parameters = FloatBuffer(count: layout.count)
            let gradients = FloatBuffer(count: layout.count)
            Self.place(reference.initial, in: parameters, layout)
            let optimizer = try AdamW(
                layout: layout, settings: OptimizerSettings(), pool: WorkerPool(threadCount: 1))
            for step in 0..<3 {
                Self.place(reference.gradients[step], in: gradients, layout, scaledBy: 1 / scale)
                try optimizer.update(
                    parameters, gradients: gradients, gradientScale: Double(scale), learningRate: 1e-2)
            }
            return Array(parameters.buffer)
        }
        // A power of two scales without rounding.
        #expect(try parameters(scale: 0.25) == parameters(scale: 1))
    }

    @Test func clippingBringsTheNormDownToTheLimitAndNeverUp() throws {
        var settings = OptimizerSettings()
        settings.maxGradientNorm = 2
        func factor(_ norm: Double) throws -> Double {
            try AdamW(
                layout: TinyTraining().layout, settings: settings, pool: WorkerPool(threadCount: 1)
            ).clipFactor(norm: norm)
        }
        #expect(try factor(8) == 2 / (8 + 1e-6))
        #expect(try factor(1.9) == 1 && factor(0) == 1)
        settings.maxGradientNorm = 0
        #expect(try factor(1e9) == 1)
    }
}
