import Foundation
import Kernels
import Model
import TestSupport
import Testing

/// What freezing and computing again must not change, and what they must.
@Suite struct TrainingScopeTests {
    @Test(arguments: ["bert", "electra", "roberta"], [1, 2, 5])
    func computingLayersAgainChangesNoBit(kind: String, layers: Int) throws {
        let scope = TrainingScope(recomputesLayers: true)
        let kept = try DeepModel(kind, layers: layers).step()
        let again = try DeepModel(kind, layers: layers).step(scope)
        #expect(kept.loss == again.loss)
        #expect(kept.gradients.elementsEqual(again.gradients))
        #expect(kept.gradients.contains { $0 != 0 })
    }

    @Test(arguments: [false, true], [0, 1, 3, 4])
    func whatIsFrozenHasNoGradientAndTheRestHasItsOwn(embeddings: Bool, layers: Int) throws {
        for (kind, recomputes) in [("bert", false), ("bert", true), ("electra", false)] {
            let deep = try DeepModel(kind, layers: 4)
            let scope = TrainingScope(
                freezesEmbeddings: embeddings, frozenLayers: layers, recomputesLayers: recomputes)
            let all = deep.step()
            let some = deep.step(scope)
            #expect(all.loss == some.loss)
            for parameter in deep.layout.parameters {
                let (expected, actual) = (all.gradients[parameter.range], some.gradients[parameter.range])
                if scope.trains(parameter.part) {
                    #expect(actual.elementsEqual(expected), "\(parameter.name)")
                } else {
                    #expect(actual.allSatisfy { $0 == 0 }, "\(parameter.name)")
                }
            }
            let isFrozen = deep.layout.parameters.map { !scope.trains($0.part) }
            #expect(isFrozen.contains(true) == (embeddings || layers > 0))
            #expect(isFrozen.last == false)
        }
    }

    @Test func trainedElementsAreThoseOfTheirTensors() throws {
        let layout = try DeepModel("bert", layers: 3).layout
        let scope = TrainingScope(freezesEmbeddings: false, frozenLayers: 2)
        let expected = Set(layout.parameters.filter { scope.trains($0.part) }.flatMap { Array($0.range) })
        let ranges = layout.trained(in: scope)
        #expect(Set(ranges.joined()) == expected)
        #expect(ranges.count == 2)
        #expect(layout.trained(in: TrainingScope()) == [0..<layout.count])
    }

    @Test(arguments: [TrainingScope(), TrainingScope(freezesEmbeddings: true, frozenLayers: 2)])
    func backwardTellsOfEveryGradient(scope: TrainingScope) throws {
        var places: [Int] = []
        let deep = try DeepModel("bert", layers: 3)
        _ = deep.step(scope, watch: BackwardWatch(isFinal: { places.append($0) }, isBetweenKernels: {}))
        #expect(places == places.sorted(by: >))
        #expect(places.last == 0)
    }

    /// Of 12 layers of 768 with 1,024 tokens: ten twelfths of what layers keep are computed again.
    @Test func computingAgainTakesAFractionOfTheMemory() throws {
        let base = try DeepModel.configuration("bert", layers: 12, hidden: 768, heads: 12)
        func bytes(_ scope: TrainingScope) -> Int {
            SpanModel.activationBytes(
                base, BatchCapacity(tokens: 1024, sequenceLength: 384), threads: 1, .training, scope)
        }
        let all = bytes(TrainingScope())
        #expect(bytes(TrainingScope(recomputesLayers: true)) * 3 < all)
        #expect(bytes(TrainingScope(freezesEmbeddings: true, frozenLayers: 6)) * 10 < all * 7)
        #expect(bytes(TrainingScope(frozenLayers: 6)) <= all + (1 << 16))
    }
}
