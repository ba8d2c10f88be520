import TestSupport
import Testing

extension ProgramTests {
    @Suite struct AnswerTests {
        static let context = "두레는 옛 마을의 풍습이다. 農社라고도 했다. 🙂 그리고 끝."

        @Test(arguments: [1, 3])
        func answersAreAListOfSlicesOfTheContext(count: Int) async throws {
            let work = try await Workspace()
            let result = try await Program.run([
                "answer", "--model", work.model, "--question", "두레는 무엇인가?", "--context", Self.context,
                "--top-k", "\(count)",
            ])
            expectSuccess(result)
            let answers = try JSON(result.output).list
            #expect(answers.count == count)
            let scores = answers.compactMap { $0["score"]?.number }
            #expect(scores == scores.sorted(by: >))
            for answer in answers {
                #expect(Set(answer.members.keys) == ["answer", "score", "start", "end"])
                let start = try #require(answer["start"]?.number)
                let end = try #require(answer["end"]?.number)
                var slice = String.UnicodeScalarView()
                slice += Array(Self.context.unicodeScalars)[Int(start)..<Int(end)]
                #expect(answer["answer"] == .text(String(slice)))
            }
        }

        @Test func linesOfQuestionsHaveLinesOfAnswers() async throws {
            let work = try await Workspace()
            let requests: [JSON] = [
                ["id": "a", "question": "두레는 무엇인가?", "context": .text(Self.context)],
                ["id": "b", "question": "다른 이름은?", "context": "농사\u{2028}라고\r했다"],
            ]
            let input = requests.map(\.text).joined(separator: "\n")
            let result = try await Program.run(["answer", "--model", work.model], input: input.utf8)
            expectSuccess(result)
            let answers = try result.outputLines.map { try JSON($0.utf8) }
            #expect(answers.map { $0["id"] } == ["a", "b"])
            for answer in answers { #expect(answer["answers"]?.list.count == 1) }

            let alone = try await Program.run([
                "answer", "--model", work.model, "--question", "두레는 무엇인가?", "--context", Self.context,
            ])
            #expect(try JSON(alone.output) == answers[0]["answers"])
        }

        @Test func linesThatAreComputedTogetherAreAnsweredInOrder() async throws {
            let work = try await Workspace()
            // More than are computed at once, and two with one id.
            let requests: [JSON] = (0..<300).map { number in
                [
                    "id": .text("\(number % 299)"), "question": .text("두레 \(number)?"),
                    "context": .text("\(Self.context) \(number)"),
                ]
            }
            let input = requests.map(\.text).joined(separator: "\n")
            let together = try await Program.run(["answer", "--model", work.model], input: input.utf8)
            expectSuccess(together)
            let answers = try together.outputLines.map { try JSON($0.utf8) }
            #expect(answers.map { $0["id"] } == requests.map { $0["id"] })
            for index in [0, 255, 256, 299] {
                let alone = try await Program.run(
                    ["answer", "--model", work.model], input: requests[index].text.utf8)
                #expect(alone.outputLines == [together.outputLines[index]])
            }
        }

        @Test func aLineThatCannotBeAnsweredHasAnErrorAndTheOthersTheirAnswers() async throws {
            let work = try await Workspace()
            let long = String(repeating: "두레 ", count: 300)
            let lines = [
                "\u{FEFF}{\"id\": 1, \"question\": \"무엇?\", \"context\": \"두레\"}", "", " \r",
                "{\"id\": 1.5, \"question\": \"\(long)\", \"context\": \"\(long)\"}",
                "{\"id\": \"c\", \"question\": \"무엇?\", \"context\": \" \"}", "{\"id\": \"d\"",
                "{\"id\": true, \"question\": \"무엇?\"}", "{\"question\": \"무엇?\", \"context\": \"두레\"}\r",
            ]
            let result = try await Program.run(
                ["answer", "--model", work.model], input: lines.joined(separator: "\n").utf8)
            #expect(result.exitCode == 65)
            #expect(
                messages(result) == [
                    "dure: error: 4 of 6 lines could not be answered (stdin, line 4 the first): see \"error\" in their "
                        + "lines of the output"
                ])
            let answers = try result.outputLines.map { try JSON($0.utf8) }
            try #require(answers.count == 6)
            #expect(answers.map { $0["id"] } == [1, 1.5, "c", .null, true, .null])
            #expect(answers.map { $0["answers"]?.list.count } == [1, nil, nil, nil, nil, 1])
            let errors = answers.compactMap { $0["error"]?.text }
            try #require(errors.count == 4)
            #expect(errors[0].contains("question 1.5") && errors[1].contains("empty"))
            #expect(errors[2].contains("line 6") && errors[3].contains("\"context\" is missing"))
        }

        @Test func aTerminalIsAskedForAContextAndQuestions() async throws {
            let work = try await Workspace()
            let input = "두레는 옛 마을의\n풍습이다.\n\n두레는?\n\n다른 글이다.\n\n무엇?\n\u{4}"
            let result = try await Program.run(
                [
                    "script", "-qec", "'\(Program.dure)' answer --model '\(work.model)' --top-k 2",
                    "/dev/null",
                ], program: "/usr/bin/env", input: input.utf8)
            #expect(result.exitCode == 0, "\(result.outputText)")
            let answers = result.outputLines.filter { $0.contains(" %  ") }
            #expect(answers.count == 4, "\(result.outputText)")
            #expect(answers[0].contains("[") && answers[0].contains("]"))
            #expect(result.outputText.contains("context> ") && result.outputText.contains("question> "))
        }

        @Test(arguments: [
            ("{\"id\":\"a\"}", "line 2"), ("nonsense", "line 2"),
            ("{\"id\":[],\"question\":\"q\",\"context\":\"c\"}", "line 2"),
        ])
        func aLineThatCannotBeAnsweredIsNamed(line: String, place: String) async throws {
            let work = try await Workspace()
            let good = #"{"id":"first","question":"무엇?","context":"두레는 풍습이다."}"#
            let result = try await Program.run(
                ["answer", "--model", work.model], input: "\(good)\n\(line)\n".utf8)
            #expect(result.exitCode == 65)
            #expect(messages(result).count == 1)
            #expect(result.errorText.contains(place))
        }

        @Test func withoutAnythingToAnswerFromTheAnswerIsEmpty() async throws {
            let work = try await Workspace()
            for flags in [
                [], ["--version-2-with-negative", "--n-best-size", "1", "--max-answer-length", "1"],
            ] {
                let result = try await Program.run(
                    [
                        "answer", "--model", work.model, "--question", "무엇?", "--context",
                        "\u{200B}\u{200B}\u{AD}",
                    ] + flags)
                expectSuccess(result)
                #expect(try JSON(result.output).list.map { $0["answer"] } == [""])
            }
        }

        @Test func anEmptyContextIsRefused() async throws {
            let work = try await Workspace()
            for context in ["", " \n"] {
                let result = try await Program.run([
                    "answer", "--model", work.model, "--question", "무엇?", "--context", context,
                ])
                expectFailure(result, 65, "empty")
            }
        }
    }

    @Suite struct TokenizeTests {
        @Test func folderVocabularyAndCheckpointGiveTheSameTokens() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.train(into: "run", "--max-steps", "1", "--save-strategy", "no")))
            let text = "두레는 옛 마을의 풍습이다!\n農社 🙂 e\u{301}\n\n[MASK] 끝"
            var outputs: Set<[UInt8]> = []
            for model in [work.model, work.vocabulary, work.folder.file("run/final.h5")] {
                let result = try await Program.run(["tokenize", "--model", model], input: text.utf8)
                expectSuccess(result)
                outputs.insert(result.output)
                #expect(result.outputLines.count == 4)
            }
            #expect(outputs.count == 1)
        }

        /// Tokens that the model has embeddings for beyond its vocabulary, through training and export.
        @Test func addedTokensKeepTheirIDs() async throws {
            let work = try await Workspace()
            let size = try String(contentsOfFile: work.vocabulary, encoding: .utf8).split(separator: "\n")
                .count
            let model = work.folder.file("added")
            let config = try work.configuration(["vocab_size": .number(Double(size + 2))], name: "added.json")
            expectSuccess(
                try await Program.run([
                    "init", "--config", config, "--vocab", work.vocabulary, "--output", model,
                ]))
            let added: JSON = ["[TABLE]": .number(Double(size)), "<li>": .number(Double(size + 1))]
            _ = try work.folder.write(added.text.utf8, to: "added/added_tokens.json")
            var train = work.train(into: "run", "--max-steps", "1", "--save-strategy", "no")
            train[2] = model
            expectSuccess(try await Program.run(train))
            let final = work.folder.file("run/final.h5")
            let exported = work.folder.file("hf")
            expectSuccess(
                try await Program.run([
                    "export", "--checkpoint", final, "--format", "hf", "--output", exported,
                ]))
            for model in [model, final, exported] {
                let result = try await Program.run(
                    ["tokenize", "--model", model], input: "[TABLE] 두레 <li>두레</li>".utf8)
                expectSuccess(result)
                let line = try JSON(result.output)
                let ids = line["ids"]?.list.compactMap(\.number) ?? []
                #expect(
                    ids.filter { $0 >= Double(size) } == [Double(size), Double(size + 1)], "\(line.text)")
                #expect(line["tokens"]?.list.first == "[TABLE]")
            }
            // An id that does not follow the vocabulary cannot be given.
            let wrong: JSON = ["<li>": .number(Double(size + 1))]
            _ = try work.folder.write(wrong.text.utf8, to: "added/added_tokens.json")
            expectFailure(try await Program.run(train), 65, "<li>", "added")
        }

        @Test func otherSeparatorsThanLineFeedsStayInTheLine() async throws {
            let work = try await Workspace()
            let text = "두레\r마을\u{2028}풍습\u{85}끝\u{B}두레\r\n둘째"
            let result = try await Program.run(["tokenize", "--model", work.model], input: text.utf8)
            expectSuccess(result)
            let lines = try result.outputLines.map { try JSON($0.utf8) }
            #expect(lines.count == 2)
            for line in lines {
                #expect(Set(line.members.keys) == ["tokens", "ids", "offsets"])
                #expect(line["tokens"]?.list.count == line["offsets"]?.list.count)
                #expect(line["ids"]?.list.count == line["offsets"]?.list.count)
            }
            // Offsets go on counting behind the separators.
            #expect(lines[0]["offsets"]?.list.last?.list.last == 13)
        }

        @Test func bytesThatAreNotTextAreRefused() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                ["tokenize", "--model", work.model], input: [0xED, 0x95, 0x0A] as [UInt8])
            expectFailure(result, 65, "line 1")
        }

        @Test func streamsThatCannotBeUsedAreReported() async throws {
            let work = try await Workspace()
            func shell(_ command: String) async throws -> ProgramResult {
                let script = try work.folder.write(
                    script: "echo 두레 | '\(Program.dure)' tokenize --model '\(work.model)' \(command)",
                    to: "run.sh")
                return try await Program.run([], program: script)
            }
            expectFailure(try await shell("</"), 74, "stdin")
            expectFailure(try await shell("<&-"), 74, "stdin")
            expectFailure(try await shell(">/dev/full"), 74, "stdout")
            expectFailure(try await shell(">&-"), 74, "stdout")
            #expect(try await shell("2>/dev/full").exitCode == 0)
            #expect(try await shell("2>&-").exitCode == 0)
        }
    }
}
