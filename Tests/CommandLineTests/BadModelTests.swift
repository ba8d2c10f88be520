import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Models that are damaged, hostile or do not fit together.
    @Suite struct BadModelTests {
        static let wide = "bert.encoder.layer.0.intermediate.dense.weight"

        /// Every command that needs the weights refuses the folder.
        private func expectRefusal(
            _ work: Workspace, _ weights: [UInt8], _ exitCode: Int32 = 65,
            _ word: String = "model.safetensors",
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            _ = try work.folder.write(weights, to: "model/model.safetensors")
            let commands = [
                work.train(into: "output", "--max-steps", "1"), work.evaluate(work.model, into: "output"),
                ["answer", "--model", work.model, "--question", "무엇?", "--context", "두레"],
                ["inspect", "--verify", work.model],
            ]
            for command in commands {
                let result = try await Program.run(command)
                expectFailure(result, exitCode, word, sourceLocation: sourceLocation)
            }
            #expect(try !work.folder.names.contains("output"), sourceLocation: sourceLocation)
        }

        @Test func truncatedWeights() async throws {
            let work = try await Workspace()
            let whole = try work.bytes("model/model.safetensors")
            for count in [0, 7, 8, 100, whole.count / 2, whole.count - 1] {
                try await expectRefusal(work, Array(whole.prefix(count)))
            }
            try await expectRefusal(work, whole + [0])
        }

        @Test func headersThatAreNoHeader() async throws {
            let work = try await Workspace()
            let file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            let headers = [
                "", "{", "[]", "null", "{\"a\": 1}", "{\"a\": {}}", "\u{0}",
                String(repeating: "[", count: 100_000),
                "{\"a\": " + String(repeating: "{\"a\": ", count: 100_000),
            ]
            for header in headers { try await expectRefusal(work, file.file(header: header)) }
            for length in [Int.max, -1, 1 << 40, 100_000_001] {
                try await expectRefusal(work, Safetensors.length(length) + file.file.dropFirst(8))
            }
        }

        @Test func placesThatCannotBe() async throws {
            let work = try await Workspace()
            let file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            let count = Double(file.data.count)
            let places: [[JSON]] = [
                [.number(count), .number(count + 16384)], [0, 8192], [8192, 0], [-8192, 0], [0], [0, 1, 2],
                [0, .number(1e300)], [.number(9e18), .number(9e18 + 8192)], ["0", "8192"], [0.5, 8192.5], [],
            ]
            for place in places {
                var header = file.header
                var tensor = header[Self.wide]?.members ?? [:]
                tensor["data_offsets"] = .list(place)
                header[Self.wide] = .object(tensor)
                try await expectRefusal(work, file.file(header: JSON.object(header).text))
            }
        }

        @Test func typesAndShapesThatDoNotFit() async throws {
            let work = try await Workspace()
            let good = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            for type in ["I32", "F7", "", "f32", "F64"] {
                var file = good
                file[Self.wide].type = type
                try await expectRefusal(work, file.file)
            }
            for shape in [[32, 64], [2048], [64, 33], [64, 32, 1], [], [-64, -32], [1 << 40, 1 << 40]] {
                var file = good
                file[Self.wide].shape = shape
                try await expectRefusal(work, file.file)
            }
        }

        @Test func aTensorTheEncoderNeedsIsMissedByName() async throws {
            let work = try await Workspace()
            var file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            file.tensors.removeAll { $0.name == Self.wide }
            try await expectRefusal(work, file.file, 65, Self.wide)
            let train = work.train(into: "output")
            expectFailure(try await Program.run(ranks: 2, train), 65, Self.wide)
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func anotherHeadIsNotedAndReplaced() async throws {
            let work = try await Workspace()
            var file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            file.tensors.removeAll { $0.name.hasPrefix("qa_outputs") }
            file.tensors.append(.init(name: "cls.seq.bias", type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            let result = try await Program.run(work.train(into: "output", "--max-steps", "1"))
            expectSuccess(result)
            #expect(result.errorText.contains("qa_outputs.weight"))
            #expect(result.errorText.contains("cls.seq.bias"))
        }

        @Test func weightsThatAreNotNumbersAreFound() async throws {
            let work = try await Workspace()
            var file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            file[Self.wide].bytes = [UInt8](repeating: 0xFF, count: file[Self.wide].bytes.count)
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            let train = work.train(into: "output", "--max-steps", "3")
            expectFailure(try await Program.run(train), 65, "step 1", "intermediate.dense")
            expectFailure(try await Program.run(ranks: 2, train), 65, "step 1", "intermediate.dense")
            #expect(!work.results(of: "output").contains { $0.hasSuffix(".h5") })
            let evaluate = work.evaluate(work.model, into: "evaluation")
            expectFailure(try await Program.run(evaluate), 65)
            #expect(try !work.folder.names.contains("evaluation"))
        }

        @Test(arguments: ["config.json", "vocab.txt", "model.safetensors"])
        func aFileThatTheFolderLacksIsNamed(name: String) async throws {
            let work = try await Workspace()
            try FileManager.default.removeItem(atPath: "\(work.model)/\(name)")
            let commands = [
                work.train(into: "output"), work.evaluate(work.model, into: "output"),
                ["answer", "--model", work.model, "--question", "무엇?", "--context", "두레"],
            ]
            for command in commands { expectFailure(try await Program.run(command), 66, work.model) }
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func vocabulariesThatDoNotFit() async throws {
            let work = try await Workspace()
            let good = String(decoding: try work.bytes("model/vocab.txt"), as: UTF8.self)
            let lines = good.split(separator: "\n").map(String.init)
            let vocabularies: [(String, String)] = [
                (lines.filter { $0 != "[CLS]" }.joined(separator: "\n"), "[CLS]"),
                (lines.filter { $0 != "[SEP]" }.joined(separator: "\n"), "[SEP]"),
                (lines.filter { $0 != "[UNK]" }.joined(separator: "\n"), "[UNK]"),
                ((lines.dropLast() + [lines[100]]).joined(separator: "\n"), lines[100]),
                ((lines + ["하나더"]).joined(separator: "\n"), "2480"), ("", "vocab.txt"),
            ]
            for (vocabulary, word) in vocabularies {
                _ = try work.folder.write(vocabulary.utf8, to: "model/vocab.txt")
                for command in [
                    work.train(into: "output"), work.evaluate(work.model, into: "output"),
                    ["answer", "--model", work.model, "--question", "무엇?", "--context", "두레"],
                ] {
                    expectFailure(try await Program.run(command), 65, "vocab.txt", word)
                }
                #expect(try !work.folder.names.contains("output"))
            }
        }

        @Test(arguments: ["", "{", "[]", "{\"model_type\": \"bert\"", "\u{0}"])
        func settingsThatAreNoSettings(text: String) async throws {
            let work = try await Workspace()
            for name in ["config.json", "tokenizer_config.json"] {
                let good = try work.bytes("model/\(name)")
                _ = try work.folder.write(text.utf8, to: "model/\(name)")
                expectFailure(try await Program.run(work.evaluate(work.model, into: "output")), 65, name)
                _ = try work.folder.write(good, to: "model/\(name)")
            }
            #expect(try !work.folder.names.contains("output"))
        }
    }
}
