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
            (["--batch-size", "0"], "--batch-size 0", "it must be a whole number from 1 to 2147483647"),
            (["--seed", "-1"], "--seed -1", "it must be a whole number from 0 to 18446744073709551615"),
            (["--threads=x"], "--threads x", "it must be a whole number from 1 to 1024"),
            (["--learning-rate="], "--learning-rate ''", "it must be a number, above 0"),
            (["--max-seq", "64"], "--max-seq", "did you mean --max-seq-length?"),
            (["--train-file", "a", "b"], "'b'", "--train-file b"),
            (["--top-k", "3"], "--top-k", "which is one of answer"),
            (["--nonsense", "3"], "--nonsense", "see dure help train"),
            (["--model_name_or_path", "x"], "--model_name_or_path", "did you mean --model?"),
            (["--do_train"], "--do_train", "it is not needed: dure train trains"),
            (["--evaluation_strategy", "no"], "--evaluation_strategy", "did you mean --eval-strategy?"),
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
            (["finetune"], "did you mean dure train?"), (["training"], "did you mean dure train?"),
            (["fine_tune"], "did you mean dure train?"), (["eval"], "did you mean dure evaluate?"),
            (["predict"], "did you mean dure evaluate?"), (["tokenise"], "did you mean dure tokenize?"),
            (["evaluates"], "did you mean dure evaluate?"), (["inspekt"], "did you mean dure inspect?"),
            (["qqqq"], "see dure help"), (["bench", "stpe"], "did you mean dure bench step?"),
            (["bench", "qqqqq"], "see dure help bench"),
            (["--train-file", "m", "train"], "write the command first, as dure train"),
        ] as [([String], String)])
    func aCommandThatIsNoneIsAnswered(arguments: [String], remedy: String) {
        #expect(CommandLineMistake.first(in: arguments)?.remedy.contains(remedy) == true)
    }

    @Test(arguments: [
        train, ["train", "--model"], ["help", "train"], ["--version"], ["train", "-h"], [],
        ["inspect", "a", "b"],
        train + ["--batch_size", "8", "--no_shuffle", "true", "--num_train_epochs=3"],
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
            (["--strict", "True"], ["--strict"]), (["--strict", "False", "--seed", "1"], ["--seed", "1"]),
            (["--no-shuffle", "true"], ["--no-shuffle"]), (["--no_shuffle=No"], []),
            (["--shuffle", "false"], ["--no-shuffle"]),
            (["--do_lower_case", "False"], ["--no-do-lower-case"]),
            (["--version_2_with_negative", "1"], ["--version-2-with-negative"]),
            (["--num_train_epochs", "3"], ["--num-train-epochs", "3"]),
            (["--num_train_epochs=3"], ["--num-train-epochs=3"]),
            // Values are not spelled anew, nor what is no flag.
            (["--train_file", "a_b.json"], ["--train-file", "a_b.json"]),
            (["--output_dir=--train_file"], ["--output-dir=--train_file"]), (["--no_such"], ["--no_such"]),
            (["--metric_for_best_model", "korquad_f1"], ["--metric-for-best-model", "korquad_f1"]),
            (["--", "--batch_size"], ["--", "--batch_size"]),
        ] as [([String], [String])])
    func whatRemainsIsKnown(arguments: [String], remain: [String]) {
        #expect(UndoneFlags.resolved(["train"] + arguments) == ["train"] + remain)
    }

    /// A folder may be called `true`.
    @Test func wordsOfACommandAreNoValuesOfFlags() {
        #expect(UndoneFlags.resolved(["inspect", "--verify", "true"]) == ["inspect", "--verify", "true"])
    }

    @Test func aCommandLineInTheSpellingOfTransformersIsUnderstood() throws {
        let arguments = [
            "train", "--model", "m", "--train_file", "f_g", "--output_dir=o_p", "--num_train_epochs", "2",
            "--per_device_train_batch_size", "4", "--do_lower_case", "False", "--no_shuffle", "true",
            "--load_best_model_at_end=False",
        ]
        let command = try #require(try Dure.parse(arguments) as? TrainCommand)
        #expect(command.trainFile == ["f_g"] && command.outputDir == "o_p")
        #expect(command.schedule.numTrainEpochs == 2 && command.batch.perDeviceTrainBatchSize == 4)
        #expect(command.tokenizer.doLowerCase == false && command.schedule.noShuffle)
        #expect(!command.schedule.loadBestModelAtEnd)
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
                try await Program.run(arguments + ["--learning_rat", "1"]), 64,
                "no flag is called --learning_rat (command line): did you mean --learning-rate?")
            expectFailure(
                try await Program.run(arguments + ["-batch-size", "8"]), 64, "did you mean --batch-size?")
            expectFailure(try await Program.run(["trian"]), 64, "(command line): did you mean dure train?")
            expectFailure(
                try await Program.run(arguments + ["--decode", "argmin"]), 64, "did you mean argmax?",
                "nbest, argmax, min-edit-distance")
        }

        @Test func allMistakesAreInOneMessage() async throws {
            expectFailure(
                try await Program.run([
                    "train", "--learning-rat", "1", "--batch_size", "0", "--do_train", "--seed=x", "--strict",
                    "True", "--lr_scheduler_type", "cosin",
                ]), 64, "6 mistakes (command line): ", "--model, --output-dir and --train-file are missing",
                "did you mean --learning-rate?", "--batch-size 0 is not possible", "not needed",
                "--seed x is not possible", "did you mean cosine?")
            expectFailure(
                try await Program.run(["train"]), 64,
                "--model, --output-dir and --train-file are missing (command line): give them, or see dure help"
            )
        }

        @Test func allMistakesOfAFileAreInOneMessage() async throws {
            let folder = try TemporaryFolder()
            let arguments = ["train", "--model", "m", "--train-file", "f", "--output-dir", "o", "--config"]
            let names = try folder.write(
                "learning_rat: 1\nbatch_size: 8\nstrict: maybe\nseed: [1, 2]\n".utf8, to: "names.yaml")
            expectFailure(
                try await Program.run(arguments + [names]), 64, "3 settings cannot be used (\(names))",
                "line 1, no flag is called --learning_rat", "line 3, strict is neither",
                "line 4, seed has a list")
            let values = try folder.write(
                "batch_size: 0\nstrict: \"True\"\nlr_scheduler_type: cosin\n".utf8, to: "values.yaml")
            expectFailure(
                try await Program.run(arguments + [values, "--seed", "x"]), 64,
                "3 mistakes (command line and settings): ",
                "--batch-size 0 is not possible, \(values), line 1: it must be a whole number from 1",
                "line 3: did you mean cosine?", "--seed x is not possible, command line: ")
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
