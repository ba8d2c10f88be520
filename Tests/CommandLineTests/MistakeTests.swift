import TestSupport
import Testing

@testable import dure

/// Names that are none.
@Suite struct MistakeTests {
    @Test(
        arguments: [
            ("learning-rat", "learning-rate"), ("Learning_Rate", "learning-rate"), ("seeed", "seed"),
            ("batchSize", "batch-size"), ("no-suffle", "no-shuffle"),
        ])
    func theNearestIsFound(name: String, meant: String) {
        let names = ["learning-rate", "seed", "batch-size", "no-shuffle", "k"]
        #expect(NearestName.nearest(to: name, among: names) == meant)
    }

    @Test(arguments: ["", "qqqq", "model-path-of-mine", "xyz"])
    func nothingIsNearWhatIsFar(name: String) {
        #expect(NearestName.nearest(to: name, among: ["learning-rate", "seed", "batch-size"]) == nil)
    }

    @Test func aNameOfAnyLengthIsLookedAt() {
        let isFar = NearestName.nearest(to: String(repeating: "a", count: 1 << 20), among: ["seed"]) == nil
        #expect(isFar)
    }

    private static let train = ["train", "--model", "m", "--train-file", "f", "--output-dir", "o"]

    @Test(
        arguments: [
            (["--batch_size", "8"], "--batch_size", "did you mean --batch-size?"),
            (["-batch-size", "8"], "-batch-size", "did you mean --batch-size?"),
            (["–batch-size", "8"], "–batch-size", "did you mean --batch-size?"),
            (["batch-size", "8"], "'batch-size'", "did you mean --batch-size?"),
            (["batch_size=8"], "'batch_size=8'", "did you mean --batch-size?"),
            (["--batchSize=8"], "--batchSize", "did you mean --batch-size?"),
            (["--learnin-rate", "1"], "--learnin-rate", "did you mean --learning-rate?"),
            (["--lr-scheduler-type", "cosin"], "'cosin'", "did you mean cosine?"),
            (["--lr-scheduler-type=LINEAR"], "--lr-scheduler-type", "did you mean linear?"),
            (["--metric-for-best-model", "korquad-f1"], "'korquad-f1'", "did you mean korquad_f1?"),
            (["--eval-strategy", "sometimes"], "'sometimes'", "it takes no, steps, epoch"),
            (["--strict", "True"], "'True'", "write --strict"),
            (["--strict", "false"], "'false'", "write --strict=false"),
            (["--train-file", "a", "b"], "'b'", "--train-file b"),
            (["--top-k", "3"], "--top-k", "which is one of answer"),
            (["--nonsense", "3"], "--nonsense", "see dure help train"),
            (["--model_name_or_path", "x"], "--model_name_or_path", "did you mean --model?"),
            (["--train_file", "x"], "--train_file", "did you mean --train-file?"),
            (["--do_train"], "--do_train", "it is not needed: dure train trains"),
            (["--evaluation_strategy", "no"], "--evaluation_strategy", "did you mean --eval-strategy?"),
            (["--n_best_size", "4"], "--n_best_size", "did you mean --n-best-size?"),
            (
                ["--overwrite_output_dir"], "--overwrite_output_dir",
                "it is not needed: an earlier run is kept"
            ),
            (["--per_device_eval_batch_size", "8"], "--per_device_eval_batch_size", "micro-batch-tokens"),
            (["--dataset_name", "squad_kor_v1"], "--dataset_name", "did you mean --train-file?"),
            (["--fp16"], "--fp16", "did you mean --precision bf16? (training is in fp32 by default; proc"),
            (["--bf16"], "--bf16", "did you mean --precision bf16?"),
            (["--bf16_full_eval"], "--bf16_full_eval", "did you mean --precision bf16?"),
            (["--precision", "fp16"], "'fp16'", "did you mean"), (["--no_cuda"], "--no_cuda", "not needed"),
            (["--resume_from_checkpoint", "x"], "--resume_from_checkpoint", "did you mean --resume?"),
        ] as [([String], String, String)])
    func aFlagThatIsNoneIsAnswered(arguments: [String], what: String, remedy: String) throws {
        let arguments = Self.train + arguments
        let mistake = try #require(CommandLineMistake.first(in: arguments))
        #expect(mistake.what.contains(what))
        #expect("\(mistake)".contains(remedy))
        // A single dash may stand for the flags of one letter, of which -h is one.
        guard !arguments.contains("-batch-size") else { return }
        #expect(throws: (any Error).self) { try Dure.parse(arguments) }
    }

    @Test func otherCommandsTakeOtherFlags() throws {
        let evaluate = ["evaluate", "--model", "m", "--validation_file", "f"]
        #expect(CommandLineMistake.first(in: evaluate)?.what.contains("which is one of train") == true)
        let dataset = ["evaluate", "--model", "m", "--predict_file", "f"]
        #expect(CommandLineMistake.first(in: dataset)?.remedy.contains("--dataset") == true)
    }

    @Test(
        arguments: [
            (["trian"], "did you mean dure train?"), (["Train", "--model", "m"], "did you mean dure train?"),
            (["finetune"], "see dure help"), (["bench", "stpe"], "did you mean dure bench step?"),
            (["bench", "qqqqq"], "see dure help bench"),
            (["--train-file", "m", "train"], "write the command first, as dure train"),
        ] as [([String], String)])
    func aCommandThatIsNoneIsAnswered(arguments: [String], remedy: String) {
        #expect(CommandLineMistake.first(in: arguments)?.remedy.contains(remedy) == true)
    }

    @Test(arguments: [
        train, ["train", "--model"], ["help", "train"], ["--version"], ["train", "-h"], [],
        ["inspect", "a", "b"],
        train + ["--null-score-diff-threshold", "-1"], train + ["--resume", "--seed", "1"],
        ["--generate-completion-script", "bash"], ["answer", "--model", "m", "--question", "--", "x"],
    ])
    func whatIsRightIsNotCorrected(arguments: [String]) {
        #expect(CommandLineMistake.first(in: arguments) == nil)
    }

    /// Every name in the table is answered, and what it says to write is a flag.
    @Test func everyNameOfTransformersIsAnswered() throws {
        let own = try CommandFlags(#require(CommandDescription.program).descending(["train"]).command)
        for row in TransformersName.table {
            #expect(own[row.name] == nil, "\(row.name) has the same name here")
            let remedy = CommandLineMistake.unknown(flag: "--\(row.name)", name: row.name, own).remedy
            #expect(
                remedy.contains("did you mean --") || remedy.contains("not needed"), "\(row.name): \(remedy)")
        }
        #expect(Set(TransformersName.table.map(\.name)).count == TransformersName.table.count)
    }
}

/// Flags that a command line takes back.
@Suite struct UndoneFlagsTests {
    @Test(
        arguments: [
            (["--no-strict"], []), (["--strict=false"], []), (["--strict=true"], ["--strict"]),
            (["--strict", "--no-strict"], []), (["--no-strict", "--strict"], ["--strict"]),
            (["--shuffle"], []), (["--no-shuffle=false"], []), (["--no-shuffle", "--shuffle"], []),
            (["--shared-memory=false"], ["--no-shared-memory"]),
            (["--no-shared-memory=true", "--seed", "1"], ["--no-shared-memory", "--seed", "1"]),
            (["--no-feature-cache", "--no-seed"], ["--no-feature-cache", "--no-seed"]),
            (["--strict=maybe"], ["--strict=maybe"]),
        ] as [([String], [String])])
    func whatRemainsIsKnown(arguments: [String], remain: [String]) {
        #expect(UndoneFlags.resolved(["train"] + arguments) == ["train"] + remain)
    }

    @Test func aCommandLineThatTakesAFlagBackIsUnderstood() throws {
        let arguments = [
            "train", "--model", "m", "--train-file", "f", "--output-dir", "o", "--strict", "--no-strict",
        ]
        let command = try #require(try Dure.parse(arguments) as? TrainCommand)
        #expect(!command.strict)
        #expect(throws: (any Error).self) { try Dure.parse(arguments + ["--no-seed"]) }
    }

    @Test func whatAFileTurnsOnIsTurnedOff() throws {
        let folder = try TemporaryFolder()
        let config = try folder.write(
            "strict: true\nno-shuffle: true\ntrim-particles: true\n".utf8, to: "s.yaml")
        let arguments = [
            "train", "--model", "m", "--train-file", "f", "--output-dir", "o", "--config", config,
        ]
        func parsed(_ more: String...) throws -> TrainCommand {
            try #require(try Dure.parse(ConfiguredArguments(arguments + more).arguments) as? TrainCommand)
        }
        let all = try parsed()
        #expect(all.strict && all.schedule.noShuffle && all.answers.trimParticles)
        let none = try parsed("--no-strict", "--shuffle", "--trim-particles=false")
        #expect(!none.strict && !none.schedule.noShuffle && !none.answers.trimParticles)
    }
}

extension ProgramTests {
    @Suite struct MistakenCommandLineTests {
        @Test func theAnswerIsOneLineWithTheNearest() async throws {
            let arguments = ["train", "--model", "m", "--train-file", "f", "--output-dir", "o"]
            expectFailure(
                try await Program.run(arguments + ["--learning_rate", "1"]), 64,
                "no flag is called --learning_rate (command line): did you mean --learning-rate?")
            expectFailure(
                try await Program.run(arguments + ["-batch-size", "8"]), 64, "did you mean --batch-size?")
            expectFailure(try await Program.run(["trian"]), 64, "(command line): did you mean dure train?")
            expectFailure(
                try await Program.run(arguments + ["--decode", "argmin"]), 64, "did you mean argmax?",
                "nbest, argmax, min-edit-distance")
        }

        @Test func aFileOfSettingsIsAnsweredInTheSameWay() async throws {
            let folder = try TemporaryFolder()
            let arguments = ["train", "--model", "m", "--train-file", "f", "--output-dir", "o", "--config"]
            for (text, words) in [
                ("per_device_eval_batch_size: 8", "micro-batch-tokens"), ("do_train: true", "not needed"),
                ("evaluation_strategy: no", "did you mean --eval-strategy?"),
                ("lr-scheduler-type: cosin", "did you mean cosine?"),
            ] {
                let config = try folder.write("seed: 1\n\(text)".utf8, to: "settings.yaml")
                expectFailure(try await Program.run(arguments + [config]), 64, "settings.yaml, line 2", words)
            }
        }
    }
}
