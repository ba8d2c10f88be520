import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct BadDatasetTests {
        /// Every command that reads datasets refuses the one at `path`.
        private func expectRefusal(
            _ work: Workspace, _ path: String, _ exitCode: Int32 = 65, _ words: String = "",
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let train =
                ["train", "--model", work.model, "--output-dir", work.folder.file("output")]
                + ["--train-file", path] + Workspace.windows
            let validate = work.train(into: "output", "--validation-file", path)
            let evaluate =
                ["evaluate", "--model", work.model, "--dataset", path]
                + ["--output-dir", work.folder.file("output")] + Workspace.windows
            let score = [
                "score", "--dataset", path, "--predictions", try work.folder.write("{}".utf8, to: "p"),
            ]
            for command in [train, validate, evaluate, score] {
                let result = try await Program.run(command)
                expectFailure(result, exitCode, words, sourceLocation: sourceLocation)
            }
            #expect(try !work.folder.names.contains("output"), sourceLocation: sourceLocation)
        }

        @Test func filesThatCannotBeRead() async throws {
            let work = try await Workspace()
            try await expectRefusal(work, work.folder.file("none.json"), 66, "none.json")
            try await expectRefusal(work, work.folder.path, 74, work.folder.path)
        }

        @Test func filesCutInTheMiddle() async throws {
            let work = try await Workspace()
            let whole = Array(try Data(contentsOf: URL(filePath: work.validationFile)))
            for part in 0..<8 {
                let path = try work.folder.write(whole.prefix(whole.count * part / 8), to: "cut.json")
                try await expectRefusal(work, path, 65, "cut.json")
            }
        }

        @Test(arguments: [
            ("", "bad.json"), ("[]", "bad.json"), ("3", "bad.json"), ("{}", "bad.json"), ("null", "bad.json"),
            ("{\"data\": []}", "no questions"), ("{\"data\": {}}", "data"), ("{\"data\": \"x\"}", "data"),
            ("{\"data\": [{\"paragraphs\": []}]}", "no questions"),
            ("{\"data\": [{\"paragraphs\": [{\"context\": \"c\", \"qas\": []}]}]}", "no questions"),
            ("{\"data\": [{\"paragraphs\": 1}]}", "paragraphs"),
            (
                #"{"data": [{"paragraphs": [{"context": 1, "qas": [{"id": 1, "question": "?"}]}]}]}"#,
                "context"
            ),
            (#"{"data": [{"context": null, "qas": [{"id": 1, "question": "?"}]}]}"#, "context"),
            ("{\"data\": [], \"data\": }", "bad.json"), ("{\"data\": [NaN]}", "bad.json"),
            ("{\"data\": [\"\\ud800\"]}", "bad.json"),
        ])
        func documentsOfAnotherForm(text: String, word: String) async throws {
            let work = try await Workspace()
            try await expectRefusal(work, try work.folder.write(text.utf8, to: "bad.json"), 65, word)
        }

        @Test func documentsNestedWithoutEnd() async throws {
            let work = try await Workspace()
            for opening in ["[", "{\"data\":[", "{\"a\":"] {
                let text = String(repeating: opening, count: 200_000)
                try await expectRefusal(
                    work, try work.folder.write(text.utf8, to: "deep.json"), 65, "deep.json")
            }
        }

        @Test func bytesThatAreNotText() async throws {
            let work = try await Workspace()
            let bytes = Array("{\"data\": \"".utf8) + [0xED, 0xA0, 0x80] + Array("\"}".utf8)
            try await expectRefusal(work, try work.folder.write(bytes, to: "bytes.json"), 65, "UTF-8")
        }

        @Test func questionsOfAnotherForm() async throws {
            let work = try await Workspace()
            let good = Workspace.question("good")
            let bad: [(JSON, String)] = [
                (["id": "a", "question": 3, "answers": []], "qas[1].question"),
                (["id": "a", "answers": []], "question"), (["question": "q", "answers": []], "qas[1]"),
                (["id": [], "question": "q", "answers": []], "qas[1].id"), (3, "qas[1]"),
                (["id": "a", "question": "q", "answers": 3], "qas[1].answers"),
                (["id": "a", "question": "q", "answers": [["text": "두레"]]], "answer_start"),
                (["id": "a", "question": "q", "answers": [["answer_start": 0]]], "text"),
                (
                    ["id": "a", "question": "q", "answers": [["text": "두레", "answer_start": "x"]]],
                    "answer_start"
                ),
                (
                    ["id": "a", "question": "q", "answers": [["text": "두레", "answer_start": 0.5]]],
                    "answer_start"
                ),
                (
                    ["id": "a", "question": "q", "answers": [["text": "두레", "answer_start": 1e300]]],
                    "answer_start"
                ),
            ]
            for (question, word) in bad {
                let path = try work.dataset("bad.json", questions: [good, question])
                try await expectRefusal(work, path, 65, word)
            }
        }

        @Test func theSameIdTwice() async throws {
            let work = try await Workspace()
            let path = try work.dataset(
                "twice.json", questions: [Workspace.question("same"), Workspace.question("same")])
            try await expectRefusal(work, path, 65, "same")
            let one = try work.dataset("one.json", questions: [Workspace.question("same")])
            let two = try work.dataset("two.json", questions: [Workspace.question("same")])
            let train =
                ["train", "--model", work.model, "--output-dir", work.folder.file("output")]
                + ["--train-file", one, "--train-file", two] + Workspace.windows
            expectFailure(try await Program.run(train), 65, "same", "one.json", "two.json")
        }

        @Test func anEmptyContext() async throws {
            let work = try await Workspace()
            for context in ["", " \n\t"] {
                let path = try work.dataset("empty.json", context: context)
                try await expectRefusal(work, path, 65, "q1")
            }
        }

        @Test func answersThatStandNowhere() async throws {
            let work = try await Workspace()
            for start in [-1, 1_000_000, 1 << 53] {
                let path = try work.dataset(
                    "nowhere.json", questions: [Workspace.question("q1", answer: "없다", start: start)])
                let train =
                    ["train", "--model", work.model, "--output-dir", work.folder.file("output")]
                    + ["--train-file", path] + Workspace.windows
                expectFailure(try await Program.run(train), 65, "nowhere.json")
            }
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func aQuestionThatLeavesNoRoomIsNamed() async throws {
            let work = try await Workspace()
            let long = String(repeating: "두레 ", count: 200)
            let path = try work.dataset(
                "long.json",
                questions: [Workspace.question("good"), Workspace.question("too-long", text: long)])
            for command in [
                ["train", "--model", work.model, "--train-file", path],
                ["evaluate", "--model", work.model, "--dataset", path],
            ] {
                let arguments = command + ["--output-dir", work.folder.file("output")] + Workspace.windows
                expectFailure(try await Program.run(arguments), 65, "too-long")
                #expect(try !work.folder.names.contains("output"))
                expectSuccess(try await Program.run(arguments + ["--max-query-length", "32"]))
                try FileManager.default.removeItem(atPath: work.folder.file("output"))
            }
        }

        @Test func predictionsOfAnotherForm() async throws {
            let work = try await Workspace()
            for text in ["", "[]", "{\"a\": 1}", "{\"a\": null}", "{\"a\": \"b\"", "{\"a\": [\"b\"]}"] {
                let path = try work.folder.write(text.utf8, to: "predictions.json")
                let result = try await Program.run([
                    "score", "--dataset", work.validationFile, "--predictions", path,
                ])
                expectFailure(result, 65, "predictions.json")
            }
            let missing = work.folder.file("none.json")
            let result = try await Program.run([
                "score", "--dataset", work.validationFile, "--predictions", missing,
            ])
            expectFailure(result, 66, "none.json")
        }
    }
}
