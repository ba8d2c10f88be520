import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Text of datasets, models, settings, flags and the environment that a terminal would obey.
    @Suite struct HostileTextTests {
        /// Escape sequences in both forms, a return, bidirectional overrides, separators, and a line that looks like one
        /// of the program's own.
        static let text =
            "\u{1B}[31m\u{9B}2J\r\u{202E}\u{2066}\u{2028}\u{7F}\u{85}x\ndure: error: forged (a): b"
        /// On one line, for where lines end a text.
        static let line = String(text.prefix { $0 != "\n" })

        private static func expectPrintable(
            _ result: ProgramResult, _ exitCode: Int32, shows: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(result.exitCode == exitCode, "\(result.errorText)", sourceLocation: sourceLocation)
            for scalar in (result.outputText + result.errorText).unicodeScalars where scalar != "\n" {
                let isObeyed =
                    [.control, .format, .lineSeparator, .paragraphSeparator].contains(
                        scalar.properties.generalCategory)
                #expect(!isObeyed, "U+\(String(scalar.value, radix: 16))", sourceLocation: sourceLocation)
            }
            let forged = (result.errorLines + result.outputLines).filter {
                $0.hasPrefix("dure: error: forged")
            }
            #expect(forged.isEmpty, sourceLocation: sourceLocation)
            let shown = result.errorText + result.outputText
            for text in shows {
                #expect(shown.contains(text), "\(text): \(shown)", sourceLocation: sourceLocation)
            }
        }

        /// YAML has no room for control characters but in escapes.
        private static func ascii(_ json: String) -> String {
            json.unicodeScalars.map { scalar in
                let digits = String(0x10000 + scalar.value, radix: 16).dropFirst()
                return scalar.isASCII && scalar.value != 0x7F ? String(scalar) : "\\u\(digits)"
            }.joined()
        }

        /// A dataset in which all is hostile, one answer right and one misplaced.
        private static func dataset(_ work: Workspace, _ name: String = text) throws -> String {
            let context = "두레는 조선 후기에 \(text) 자리 잡은 공동 노동 조직이다. \(text)"
            let paragraph: JSON = [
                "context": .text(context),
                "qas": [
                    Workspace.question(.text("1\(text)"), text: "\(text) 두레는?"),
                    Workspace.question(.text("2\(text)"), text: text, answer: "\(text) 없는", start: 3),
                    Workspace.question(.text("3\(text)"), answer: "후기에 \(text)", start: 7),
                ],
            ]
            let document: JSON = [
                "version": .text(text), "data": [["title": .text(text), "paragraphs": [paragraph]]],
            ]
            return try work.folder.write(document.text.utf8, to: name.replacing("/", with: "-"))
        }

        @Test func ofDatasets() async throws {
            let work = try await Workspace()
            let dataset = try Self.dataset(work)
            Self.expectPrintable(
                try await Program.run(["inspect", "--verify", dataset]), 0, shows: "\\u{1b}[31m",
                "\\u001b[31m")
            let output = work.folder.file("out\(Self.text)")
            let data = ["--train-file", dataset, "--validation-file", dataset] + Workspace.windows
            Self.expectPrintable(
                try await Program.run(
                    ["train", "--model", work.model, "--output-dir", output, "--max-steps", "1", "--debug"]
                        + data),
                0, shows: "\\u{1b}[31m\\u{9b}2J")
            Self.expectPrintable(
                try await Program.run(
                    [
                        "evaluate", "--model", output + "/final.h5", "--dataset", dataset, "--show-samples",
                        "3",
                    ]
                        + ["--output-dir", work.folder.file("eval")] + Workspace.windows), 0,
                shows: "predicted  ", "1\\u{1b}[31m")
            Self.expectPrintable(
                try await Program.run(
                    ["prepare", "--model", work.model, "--dataset", dataset, "--output", output + ".jsonl"]
                        + Workspace.windows), 0, shows: "\\u001b[31m")
            for path in [output, output + ".jsonl", output + "/final.h5"] where path != output {
                Self.expectPrintable(try await Program.run(["inspect", path]), 0)
            }
            Self.expectPrintable(try await Program.run(["report", output]), 0, shows: "\\u{1b}[31m")
            let doctor = ["doctor", "--model", work.model, "--dataset", dataset, "--output-dir", output]
            let environment = ["OPENBLAS_CORETYPE": Self.line, "HDF5_USE_FILE_LOCKING": Self.line]
            let result = try await Program.run(
                doctor + ["--max-seq-length", "192"], environment: environment)
            Self.expectPrintable(result, result.exitCode, shows: "\\u{1b}[31m")
            let predictions = try work.folder.write("{\"x\": ".utf8, to: "predictions\(Self.text)")
            Self.expectPrintable(
                try await Program.run(["score", "--dataset", dataset, "--predictions", predictions]), 65)
            Self.expectPrintable(
                try await Program.run(work.train(into: "strict", "--strict", "--train-file", dataset)), 65,
                shows: "\\u{1b}[31m")
        }

        @Test func ofModels() async throws {
            let work = try await Workspace()
            let weights = try work.bytes("model/model.safetensors")
            var file = try Safetensors(contentsOf: "\(work.model)/model.safetensors")
            file.tensors.append(.init(name: Self.text, type: "F32", shape: [1], bytes: [0, 0, 0, 0]))
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            Self.expectPrintable(try await Program.run(["inspect", work.model]), 0, shows: "  \\u{1b}[31m")
            Self.expectPrintable(
                try await Program.run(["inspect", "--json", work.model]), 0, shows: "\\u001b[31m")
            let other = try work.folder.write(weights, to: "other\(Self.text)")
            Self.expectPrintable(
                try await Program.run(["inspect", "--diff", work.model, other]), 0,
                shows: "only in A: \\u{1b}[31m")
            let ask = ["answer", "--model", work.model, "--max-seq-length", "192"]
            let lines = [
                JSON.object([
                    "id": .text(Self.text), "question": .text(Self.text), "context": .text(Self.text),
                ]),
                ["id": .text(Self.text), "question": "?", "context": " "],
                .object([Self.text: .text(Self.text)]),
            ].map(\.text).joined(separator: "\n")
            let answers = try await Program.run(ask, input: lines.utf8)
            Self.expectPrintable(answers, answers.exitCode, shows: "\\u001b[31m")
            // Shown with its escapes, the value is the same.
            let line = try #require(answers.outputLines.first)
            #expect(try JSON(line.utf8)["id"] == .text(Self.text))
            file.tensors.append(.init(name: "b\(Self.text)", type: Self.text, shape: [1], bytes: []))
            _ = try work.folder.write(file.file, to: "model/model.safetensors")
            Self.expectPrintable(try await Program.run(["inspect", work.model]), 65, shows: "\\u{1b}[31m")
            _ = try work.folder.write(weights, to: "model/model.safetensors")
            let settings = JSON.object([
                "added_tokens_decoder": ["7": ["content": .text(Self.text)]], "unk_token": .text(Self.text),
            ])
            _ = try work.folder.write(settings.text.utf8, to: "model/tokenizer_config.json")
            Self.expectPrintable(
                try await Program.run(["tokenize", "--model", work.model], input: Self.text.utf8), 65,
                shows: "\\u{1b}[31m")
            let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nx\u{1B}[31m\nx\u{1B}[31m\n"
            let path = try work.folder.write(vocabulary.utf8, to: "v\(Self.text)")
            Self.expectPrintable(
                try await Program.run(["tokenize", "--model", path], input: "x\u{1B}[31m".utf8), 65,
                shows: "x\\u{1b}[31m")
            let configuration = try work.configuration(["hidden_act": .text(Self.text)])
            Self.expectPrintable(
                try await Program.run([
                    "init", "--config", configuration, "--vocab", work.vocabulary, "--output",
                    "o\(Self.text)",
                ]), 65, shows: "\\u{1b}[31m")
        }

        @Test func ofFlagsAndSettings() async throws {
            let folder = try TemporaryFolder()
            let text = Self.text
            let flags = [
                [text], ["train", "--\(text)"], ["train", "--x\(text)", text], ["help", text],
                ["train", "--seed", text], ["train", "--decode", text],
                ["train", "--clean", text, "--model", text],
                ["inspect", text], ["tokenize", "--model", text], ["answer", "--model", "m\(text)"],
                ["export", "--checkpoint", text, "--format", "hf", "--output", text], ["report", text],
                ["train", "--config", text],
                ["train", "--model", text, "--train-file", text, "--output-dir", text],
                ["evaluate", "--model", text, "--dataset", text, "--output-dir", "o", "--save-logits", text],
            ]
            for arguments in flags {
                let result = try await Program.run(arguments)
                Self.expectPrintable(result, result.exitCode, shows: "\\u{1b}[31m")
                #expect([64, 66].contains(result.exitCode), "\(arguments)")
            }
            // Those that are shown, and those of which only the name is.
            for (settings, isShown) in [
                (.object([text: 1]), true), (["seed": .text(text)], true),
                (["lr-scheduler-type": .text(text)], true), (["strict": .text(text)], false),
                (["model": [.text(text), .text(text)]], false),
            ] as [(JSON, Bool)] {
                let path = try folder.write(Self.ascii(settings.text).utf8, to: "settings.json")
                Self.expectPrintable(
                    try await Program.run([
                        "train", "--config", path, "--model", "m", "--train-file", "f", "--output-dir", "o",
                    ]), 64, shows: isShown ? "\\u{1b}[31m" : "settings.json, line 1")
            }
        }

        /// What launchers say themselves, and what they pass on of others.
        @Test func ofLaunchers() async throws {
            let folder = try TemporaryFolder()
            let program = try folder.write(
                script: "printf 'library: \\033[31m\\302\\2332J\\r x\\n' >&2", to: "program")
            let fine: [String: String?] = ["DURE_BINARY": program, "DURE_ALLOW_ROOT": "1"]
            for (arguments, changes, exitCode) in [
                ([Self.text], [:], 64), (["2", "x"], ["DURE_BINARY": Self.text], 66),
                (["2", "x"], ["DURE_START_TIMEOUT": Self.text], 64), (["2", "x"], [:], 0),
            ] as [([String], [String: String], Int32)] {
                let result = try await Program.run(
                    arguments, program: Paths.launcher("local"),
                    environment: fine.merging(changes.mapValues { $0 }) { $1 })
                Self.expectPrintable(result, exitCode, shows: "?[31m")
            }
        }
    }
}
