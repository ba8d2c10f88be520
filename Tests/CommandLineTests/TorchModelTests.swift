import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Models whose weights PyTorch saved.
    @Suite struct TorchModelTests {
        /// The weights of the model's folder.
        private func weights(_ work: Workspace) throws -> [TorchWriter.FloatTensor] {
            try Safetensors(contentsOf: "\(work.model)/model.safetensors").tensors.map {
                TorchWriter.FloatTensor(name: $0.name, shape: $0.shape, elements: $0.bytes)
            }
        }

        @Test func aFolderWithNothingButPytorchModelBinGivesTheSamePredictions() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "before")))
            let archive = TorchWriter.archive(try weights(work))
            try FileManager.default.removeItem(atPath: "\(work.model)/model.safetensors")
            _ = try work.folder.write(archive, to: "model/pytorch_model.bin")
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "after")))
            #expect(
                try work.bytes("before/eval_nbest_predictions.json")
                    == work.bytes("after/eval_nbest_predictions.json"))
            expectSuccess(try await Program.run(["inspect", "--verify", work.model]))
        }

        @Test func shardsAreReadAndAMissingOneIsNamed() async throws {
            let work = try await Workspace()
            let weights = try weights(work)
            var map: [String: JSON] = [:]
            for (name, part) in [("a.bin", weights.prefix(9)), ("b.bin", weights.dropFirst(9))] {
                _ = try work.folder.write(TorchWriter.archive(Array(part)), to: "model/\(name)")
                for tensor in part { map[tensor.name] = .text(name) }
            }
            try FileManager.default.removeItem(atPath: "\(work.model)/model.safetensors")
            let index: JSON = ["metadata": [:], "weight_map": .object(map)]
            _ = try work.folder.write(index.text.utf8, to: "model/pytorch_model.bin.index.json")
            expectSuccess(try await Program.run(work.evaluate(work.model, into: "output")))
            expectSuccess(
                try await Program.run(["inspect", "--verify", "\(work.model)/pytorch_model.bin.index.json"]))
            try FileManager.default.removeItem(atPath: "\(work.model)/b.bin")
            expectFailure(try await Program.run(work.evaluate(work.model, into: "none")), 66, "b.bin")
        }

        @Test func aHostileFileIsRefusedAndNothingInItRuns() async throws {
            let work = try await Workspace()
            let proof = work.folder.file("proof")
            let call =
                TorchWriter.global("os", "system") + TorchWriter.tuple(TorchWriter.text("touch \(proof)"))
            let file = TorchWriter.archive(pickle: TorchWriter.pickle(call + Array("R".utf8)), storages: [])
            try FileManager.default.removeItem(atPath: "\(work.model)/model.safetensors")
            _ = try work.folder.write(file, to: "model/pytorch_model.bin")
            for command in [work.evaluate(work.model, into: "output"), ["inspect", "--verify", work.model]] {
                expectFailure(try await Program.run(command), 65, "pytorch_model.bin", "os.system")
            }
            #expect(try !work.folder.names.contains("proof"))
        }
    }
}
