import Foundation
import TestSupport

/// `Tests/Fixtures/model/kernels.json`: float64 results of PyTorch and SciPy, inputs exact in Float.
struct KernelFixtures: Decodable {
    struct Activations: Decodable {
        struct Function: Decodable {
            let value: [Double]
            let derivative: [Double]
        }
        let x: [Float]
        let gelu: Function
        let geluNew: Function
        let relu: Function
    }
    struct Softmax: Decodable {
        let x: [Float]
        let y: [Double]
        let dy: [Float]
        let dx: [Double]
    }
    struct LayerNorm: Decodable {
        let rows: Int
        let width: Int
        let epsilon: Double
        let x: [Float]
        let weight: [Float]
        let bias: [Float]
        let y: [Double]
        let dy: [Float]
        let dx: [Double]
        let dweight: [Double]
        let dbias: [Double]
    }
    struct CrossEntropy: Decodable {
        let logits: [Float]
        let target: Int
        let loss: Double
        let dlogits: [Double]
    }
    struct Attention: Decodable {
        let length: Int
        let size: Int
        let q: [Float]
        let k: [Float]
        let v: [Float]
        let y: [Double]
        let dy: [Float]
        let dq: [Double]
        let dk: [Double]
        let dv: [Double]
    }

    let activations: [String: Activations]
    let softmax: [Softmax]
    let layerNorm: [LayerNorm]
    let crossEntropy: [CrossEntropy]
    let attention: [Attention]

    static func load() throws -> KernelFixtures { try decode("kernels.json") }
}

/// `Tests/Fixtures/model/adamw.json`: torch.optim.AdamW in float64.
struct AdamWFixture: Decodable {
    struct Settings: Decodable {
        let weightDecay: Double
        let beta1: Double
        let beta2: Double
        let epsilon: Double
    }
    struct State: Decodable {
        let expAvg: [[Double]]
        let expAvgSq: [[Double]]
    }

    let settings: Settings
    let learningRates: [Double]
    /// `[2, elements]`; row 0 decays, row 1 does not.
    let initial: [[Float]]
    /// `[steps, 2, elements]`, the parameters those after the step.
    let gradients: [[[Float]]]
    let parameters: [[[Double]]]
    let finalState: State

    static func load() throws -> AdamWFixture { try decode("adamw.json") }
}

private func decode<Value: Decodable>(_ name: String) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
        Value.self, from: Data(contentsOf: Paths.fixtures.appending(path: "model").appending(path: name)))
}
