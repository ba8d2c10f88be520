import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct PrepareTests {
        private static let names = ["f.h5", "f.tfrecord", "f.jsonl"]

        private func prepare(_ work: Workspace, _ output: String, _ more: String...) -> [String] {
            [
                "prepare", "--model", work.model, "--dataset", work.trainFile, "--output",
                work.folder.file(output),
            ]
                + Workspace.windows + more
        }

        @Test func everyFormIsTheSameBytesOnAnyNumberOfRanks() async throws {
            let work = try await Workspace()
            for name in Self.names {
                let alone = try await Program.run(prepare(work, name))
                expectSuccess(alone)
                let result = try JSON(alone.output)
                #expect(result["questions"] == 165 && result["labelled"] == .boolean(true))
                #expect(result["answers_lost"] == 0 && result["misplaced_skipped"] == 0)
                #expect(result["tokens"]?["max"]?.number ?? 999 <= 192)
                let expected = try work.bytes(name)
                for ranks in 1...3 {
                    let other = "\(ranks)-\(name)"
                    expectSuccess(try await Program.run(ranks: ranks, prepare(work, other)))
                    #expect(try work.bytes(other) == expected, "\(name) on \(ranks) ranks")
                }
                let inspected = try await Program.run(["inspect", work.folder.file(name)])
                expectSuccess(inspected)
                #expect(try JSON(inspected.output)["features"] == result["windows"])
                #expect(try JSON(inspected.output)["labelled"] == result["windows"])
            }
        }

        @Test(arguments: [1, 2]) func trainingFromAFileIsTrainingFromTheDataset(ranks: Int) async throws {
            let work = try await Workspace()
            let steps = ["--max-steps", "15", "--learning-rate", "1e-3", "--save-strategy", "no"]
            expectSuccess(try await Program.run(ranks: ranks, work.train(into: "dataset") + steps))
            let expected = try work.losses("dataset")
            #expect(expected.count == 15)
            for name in Self.names {
                expectSuccess(try await Program.run(prepare(work, name)))
                let train =
                    ["train", "--model", work.model, "--train-file", work.folder.file(name)]
                    + ["--output-dir", work.folder.file("run-\(name)"), "--logging-steps", "1"]
                expectSuccess(try await Program.run(ranks: ranks, train + Workspace.windows + steps))
                #expect(try work.losses("run-\(name)") == expected, "\(name) on \(ranks) ranks")
            }
        }

        @Test func datasetsAndFilesAreTrainedOnTogetherAndSplit() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(prepare(work, "f.h5")))
            let file = work.folder.file("f.h5")
            let other = try work.dataset("other.json")
            let mixed = work.train(
                into: "mixed", "--max-steps", "2", "--train-file", file, "--train-file", other)
            expectSuccess(try await Program.run(ranks: 2, mixed))
            let split =
                [
                    "train", "--model", work.model, "--train-file", file, "--output-dir",
                    work.folder.file("split"),
                ]
                + Workspace.windows + ["--validation-split", "0.2", "--num-train-epochs", "1"]
            expectSuccess(try await Program.run(split))
            let results = try work.json("split/eval_results.json")
            #expect(results["loss"]?.number != nil && results["f1"]?.number == nil)
            expectFailure(try await Program.run(split + ["--split-by", "article"]), 64, "--split-by")
            expectFailure(
                try await Program.run(split + ["--metric-for-best-model", "f1"]), 64,
                "--metric-for-best-model")
            expectFailure(
                try await Program.run(work.train(into: "no", "--validation-file", file)), 65, "f.h5", "texts")
            #expect(try !work.folder.names.contains("no"))
        }

        @Test func damageEndsTheRunNamingTheRecord() async throws {
            let work = try await Workspace()
            expectSuccess(try await Program.run(prepare(work, "f.tfrecord")))
            var bytes = try work.bytes("f.tfrecord")
            bytes[20] ^= 1
            for (content, record) in [(bytes, "record 0"), (bytes.dropLast(bytes.count - 5), "record 0")] {
                let path = try work.folder.write(content, to: "bad.tfrecord")
                let train =
                    [
                        "train", "--model", work.model, "--train-file", path, "--output-dir",
                        work.folder.file("out"),
                    ]
                    + Workspace.windows
                expectFailure(try await Program.run(train), 65, "bad.tfrecord, \(record)")
                expectFailure(try await Program.run(["inspect", path]), 65, record)
            }
            #expect(try !work.folder.names.contains("out"))
        }

        @Test func theFormFollowsTheNameUnlessItIsGiven() async throws {
            let work = try await Workspace()
            expectFailure(try await Program.run(prepare(work, "f.bin")), 64, "--format")
            let given = try await Program.run(prepare(work, "f.bin", "--format", "jsonl"))
            expectSuccess(given)
            #expect(try JSON(given.output)["format"] == "jsonl")
            #expect(try work.bytes("f.bin").first == UInt8(ascii: "{"))
            expectFailure(try await Program.run(prepare(work, "none/f.h5")), 73, "none/f.h5")
        }

        @Test func statisticsCountWhatBecameOfQuestions() async throws {
            let work = try await Workspace()
            let path = try work.dataset(
                "odd.json",
                questions: [
                    Workspace.question("right"), Workspace.question("moved", start: 9),
                    Workspace.question("lost", answer: "없다"),
                    Workspace.question("long", text: String(repeating: "두레 ", count: 40)),
                    ["id": "none", "question": "?", "answers": [], "is_impossible": .boolean(true)],
                    ["id": "unknown", "question": "?"],
                ])
            let arguments =
                [
                    "prepare", "--model", work.model, "--dataset", path, "--output",
                    work.folder.file("f.jsonl"),
                ]
                + Workspace.windows + ["--max-query-length", "16"]
            let result = try await Program.run(arguments)
            expectSuccess(result)
            let counts = try JSON(result.output)
            for (name, count) in [
                ("questions", 6.0), ("windows", 4), ("questions_cut", 1), ("unanswerable_questions", 1),
                ("misplaced_repaired", 1), ("misplaced_skipped", 1), ("without_answers", 1),
                ("windows_without_answer", 1), ("answers_lost", 0),
            ] { #expect(counts[name] == .number(count), "\(name)") }
            #expect(result.errorText.contains("lost") && result.errorText.contains("unknown"))
            expectFailure(try await Program.run(arguments + ["--strict"]), 65, "3 misplaced or missing")
        }
    }
}
