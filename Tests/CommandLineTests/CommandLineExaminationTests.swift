import Testing

@testable import dure

/// Command lines with several mistakes.
@Suite struct CommandLineExaminationTests {
    private static let train = ["train", "--model", "m", "--train-file", "f", "--output-dir", "o"]

    private static func told(_ arguments: [String]) -> [String] {
        CommandLineExamination.mistakes(in: arguments).map(\.what)
    }

    @Test func whatMustBeGivenIsNamedTogether() {
        #expect(Self.told(["train"]) == ["--model, --output-dir and --train-file are missing"])
        #expect(Self.told(["train", "--model", "m", "--output_dir", "o"]) == ["--train-file is missing"])
        #expect(
            Self.told(["evaluate"]) == ["--dataset, --output-dir and --model, or --logits are missing"])
        #expect(Self.told(["inspect"]) == ["<paths> ... is missing"])
    }

    @Test func whatFollowsFromAMistakeIsNone() {
        #expect(
            Self.told(Self.train + ["--lr-scheduler-type", "cosin", "--lr-restarts", "2"])
                == ["--lr-scheduler-type has no value 'cosin'"])
        #expect(
            Self.told(
                Self.train + ["--per-device-train-batch-size", "x", "--gradient-accumulation-steps", "2"])
                == ["--per-device-train-batch-size x is not possible"])
        #expect(Self.told(Self.train + ["--seed"]) == ["Missing value for '--seed <seed>'"])
        #expect(
            Self.told(["train", "--model", "--train-file", "f", "--output-dir", "o"])
                == ["Missing value for '--model <model>'"])
        #expect(Self.told(Self.train + ["--nonsense", "3"]) == ["no flag is called --nonsense"])
    }

    @Test func contradictionsAreToldBesideWhatIsNoNumber() {
        let told = Self.told(
            Self.train + [
                "--warmup-ratio", "2", "--num-train-epochs", "1", "--max-steps", "1", "--gamma", "0.5",
            ])
        #expect(told.count == 3)
        #expect(told.contains("--warmup-ratio 2 is not possible"))
        #expect(told.contains { $0.contains("--max-steps exclude each other") })
        #expect(told.contains { $0.contains("--gamma needs") })
    }

    @Test func whatIsRightHasNoMistake() {
        for arguments in [Self.train, Self.train + ["--batch_size", "8", "--strict", "False"]] {
            #expect(Self.told(arguments).isEmpty)
        }
    }

    /// A flag that does not take any word, and has no names for its values, takes numbers: which, is in the table.
    @Test func everyNumberHasARange() throws {
        let program = try #require(CommandDescription.program)
        let commands = program.commands.flatMap { $0.commands.isEmpty ? [$0] : $0.commands }
        var isNumber: [String: Bool] = [:]
        for command in commands {
            let flags = (command.arguments ?? []).filter { !$0.isFlag && !$0.isPositional }
            let needed = flags.filter { !$0.isOptional }.flatMap { ["--\($0.name)", "x.h5"] }
            for flag in flags where !CommandFlags.common.contains(flag.name) && flag.allValues == nil {
                let takesNumbers =
                    isNumber[flag.name] ?? isRefused("word", of: flag.name, by: command.path + needed)
                isNumber[flag.name] = takesNumbers
                let rule = FlagHelp.of(flag.name, command.path)?.range?.rule
                #expect((rule != nil) == takesNumbers, "\(command.call) --\(flag.name)")
            }
        }
        #expect(isNumber.values.count { $0 } > 40)
    }

    /// Whether it is ArgumentParser that cannot make a value of `word`.
    private func isRefused(_ word: String, of flag: String, by command: [String]) -> Bool {
        do {
            _ = try Dure.parseAsRoot(command + ["--\(flag)=\(word)"])
            return false
        } catch {
            return Dure.message(for: error).contains("'\(word)' is invalid for '--\(flag)")
        }
    }
}
