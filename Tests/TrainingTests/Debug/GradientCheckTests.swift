import Kernels
import Model
import Testing

@testable import Training

@Suite struct GradientCheckTests {
    private static let activations = [Activation.gelu, .geluNew, .relu]

    @Test(arguments: ModelType.allCases, activations)
    func gradientsOfEveryKindOfModelAreRight(type: ModelType, activation: Activation) throws {
        let pool = WorkerPool(threadCount: 1)
        let result = try #require(try GradientCheck.ofTinyModel(type, activation, pool: pool))
        #expect(result.isFinite && result.agreesForward)
        #expect(result.wrongTensors.isEmpty, "\(result.wrongTensors)")
        #expect(result.largestError < 2e-3, "\(result.largestError)")
        #expect(GradientMismatch(result) == nil)
        // Embeddings, the projection of ELECTRA, blocks, span head.
        #expect(result.tensors.count == (type == .electra ? 7 : 5) + 3 * 16 + 2)
        for tensor in result.tensors {
            #expect(!tensor.elements.isEmpty, "\(tensor.name)")
            #expect(tensor.wholeError < 2e-3, "\(tensor.name): \(tensor.wholeError)")
        }
    }

    @Test func rowsOfWordsThatDoNotOccurAreLookedAtToo() throws {
        let pool = WorkerPool(threadCount: 1)
        let result = try #require(try GradientCheck.ofTinyModel(.bert, .gelu, pool: pool))
        let words = try #require(result.tensors.first)
        #expect(words.name == "bert.embeddings.word_embeddings.weight")
        #expect(words.unusedRows > 30 && words.unusedRows < 64 && words.strayRow == nil)
        #expect(result.lines.contains { $0.contains("word_embeddings.weight: gradient 0") })
    }

    @Test func threadsDoNotChangeWhatIsFound() throws {
        func errors(_ threads: Int) throws -> [Double] {
            let pool = WorkerPool(threadCount: threads)
            return try #require(try GradientCheck.ofTinyModel(.bert, .gelu, pool: pool)).tensors.map(\.error)
        }
        #expect(try errors(1) == errors(2))
    }

    @Test func linesFitAWindowOf80Cells() throws {
        let pool = WorkerPool(threadCount: 1)
        let lines = try #require(try GradientCheck.ofTinyModel(.electra, .relu, pool: pool)).lines
        #expect(lines.allSatisfy { DisplayWidth.columns($0) <= 80 }, "\(lines.joined(separator: "\n"))")
        for group in ["embeddings", "layer 0", "layer 2", "span head"] {
            #expect(lines.contains { $0.contains(group) })
        }
    }
}
