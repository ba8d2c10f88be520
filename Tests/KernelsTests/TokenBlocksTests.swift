import Kernels
import Testing

@Suite struct TokenBlocksTests {
    @Test("blocks are as many as cover the tokens", arguments: [0, 1, 63, 64, 65, 128, 200])
    func counts(_ tokens: Int) {
        #expect(TokenBlocks.count(tokens) * TokenBlocks.size >= tokens)
        #expect((TokenBlocks.count(tokens) - 1) * TokenBlocks.size < tokens)
        #expect(TokenBlocks.scratch(tokens: tokens, width: 3) == 3 * TokenBlocks.count(tokens))
    }

    @Test(
        "bias: forward and every gradient",
        arguments: [(1, 1), (2, 5), (7, 17), (65, 48), (200, 130), (275, 300)])
    func verifies(_ shape: (tokens: Int, width: Int)) {
        verify(BiasCase(tokens: shape.tokens, width: shape.width))
    }

    @Test("no tokens leave a bias gradient as it was")
    func noTokens() {
        let gradient = Memory.started(5)
        let nothing = Memory<Float>([])
        biasBackward(
            makePool(2), gradient: NumberPointer(nothing.pointer), tokens: 0, width: 5,
            bias: gradient.pointer,
            scratch: nothing.pointer)
        keep(nothing)
        #expect(gradient.added() == [0, 0, 0, 0, 0])
    }
}

private struct BiasCase: KernelCase {
    let inputs: [String: [Float]]
    let upstream: [Float]
    private let tokens: Int
    private let width: Int

    init(tokens: Int, width: Int) {
        self.tokens = tokens
        self.width = width
        var random = TestRandom(UInt64(tokens * 1000 + width))
        inputs = ["bias": random.normals(width), "target": random.normals(tokens * width)]
        upstream = random.normals(tokens * width)
    }

    func run(_ pool: WorkerPool) -> KernelOutcome {
        let bias = Memory(inputs["bias", default: []])
        let target = Memory(inputs["target", default: []])
        biasForward(
            pool, tokens: tokens, width: width, bias: bias.pointer, source: target.pointer,
            target: NumberPointer(target.pointer))
        let gradient = Memory(upstream)
        let biasGradient = Memory.started(width)
        let scratch = Memory.unset(TokenBlocks.scratch(tokens: tokens, width: width))
        biasBackward(
            pool, gradient: NumberPointer(gradient.pointer), tokens: tokens, width: width,
            bias: biasGradient.pointer,
            scratch: scratch.pointer)
        keep(bias)
        _ = scratch.values()
        return KernelOutcome(
            output: target.values(),
            gradients: ["bias": biasGradient.added(), "target": gradient.values().doubles])
    }

    func reference(_ inputs: [String: [Double]]) -> [Double] {
        let bias = inputs["bias", default: []]
        return inputs["target", default: []].enumerated().map { $1 + bias[$0 % width] }
    }
}
