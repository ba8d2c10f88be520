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

    /// Whatever memory the ranks have in common, and whoever keeps the moments.
    @Test(
        arguments: [[0], [0, 0], [0, 1], [0, 0, 0, 1], [0, 1, 2, 0, 1, 2, 2]], [false, true])
    func ranksMakeTheUpdateOfOne(hosts: [Int], isSharded: Bool) throws {
        let layout = try TinyTraining().layout
        @Sendable func train(_ communicator: any Communicator) throws -> [[Float]] {
            try communicator.formGroups(layout, trains: true)
            let parameters = try communicator.makeShared(count: layout.count)
            let gradients = try communicator.makeGroupBuffers(count: layout.count)
            var settings = GradientExchange.Settings()
            settings.keepsTotalsWithOwners = isSharded
            settings.bucketBytes = layout.count
            let exchange = GradientExchange(
                communicator: communicator, buffers: gradients, settings: settings)
            let optimizer = try AdamW(
                layout: layout, settings: OptimizerSettings(), pool: WorkerPool(threadCount: 1),
                exchange: exchange)
            for step in 0..<3 {
                for index in exchange.handled.joined() {
                    gradients.own.pointer[index] = sin(Float(index * (step + 3)))
                }
                try optimizer.update(
                    parameters, gradients: gradients.own, gradientScale: 0.5, learningRate: 1e-2)
                try optimizer.settle()
            }
            let moments = [optimizer.firstMoment, optimizer.secondMoment]
            let outside = moments.contains { moment in
                communicator.groups.members(with: communicator.rank).count == 1
                    && moment.buffer.indices.contains { index in
                        moment.pointer[index] != 0 && !exchange.handled.contains { $0.contains(index) }
                    }
            }
            #expect(!outside)
            try communicator.meet()
            try optimizer.collectState()
            return ([parameters] + moments).map { Array($0.buffer) }
        }
        let alone = try train(SingleProcess())
        let together = try valuesOnRanks(hosts.count, hosts: hosts) { try train($0) }
        #expect(together[0] == alone)
        #expect(together.allSatisfy { $0[0] == alone[0] })
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
