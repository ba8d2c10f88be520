import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// One rank fails while the others wait: all end soon, with one message.
    @Suite struct FailingRankTests {
        /// Runs two ranks of `arguments`, of which rank `rank` gets `more`. All must be gone within 10 seconds.
        private func run(
            _ work: Workspace, _ arguments: [String], rank: Int, gets more: [String], preparing: String = ""
        ) async throws -> ProgramResult {
            let quoted = { (texts: [String]) in texts.map { "'\($0)'" }.joined(separator: " ") }
            let script = try work.folder.write(
                script: """
                    if [ "$OMPI_COMM_WORLD_RANK" = \(rank) ]; then
                        \(preparing)
                        exec \(quoted([Program.dure] + arguments + more))
                    fi
                    exec \(quoted([Program.dure] + arguments))
                    """, to: "rank.sh")
            let start = ContinuousClock.now
            let result = try await Program.run(ranks: 2, [], program: script)
            #expect(ContinuousClock.now - start < .seconds(10))
            try await work.expectNoProcesses()
            return result
        }

        @Test(arguments: [0, 1])
        func aFileThatOneRankLacks(rank: Int) async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output")
            let result = try await run(work, arguments, rank: rank, gets: ["--train-file", "/none-such"])
            expectFailure(result, 66, "/none-such")
            #expect(try !work.folder.names.contains("output"))
        }

        @Test(arguments: [0, 1])
        func aFileThatIsDamagedForOneRank(rank: Int) async throws {
            let work = try await Workspace()
            let broken = try work.folder.write("{\"data\": [".utf8, to: "broken.json")
            let arguments = work.evaluate(work.model, into: "output")
            let result = try await run(work, arguments, rank: rank, gets: ["--dataset", broken])
            expectFailure(result, 65, "broken.json")
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func aModelThatOneRankLacks() async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output")
            let result = try await run(work, arguments, rank: 1, gets: ["--model", "/none-such"])
            expectFailure(result, 66, "/none-such")
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func ranksThatReadDifferentData() async throws {
            let work = try await Workspace()
            let other = try work.dataset("other.json")
            let train = try await run(
                work, work.train(into: "output"), rank: 1, gets: ["--train-file", other])
            expectFailure(train, 69, "rank")
            let evaluate = try await run(
                work, work.evaluate(work.model, into: "output"), rank: 1, gets: ["--dataset", other])
            expectFailure(evaluate, 69, "rank")
            #expect(try !work.folder.names.contains("output"))
        }

        @Test func aDiskThatIsFullForTheFirstRank() async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "output", "--max-steps", "100000", "--save-strategy", "steps", "--save-steps", "20")
            let result = try await run(
                work, arguments, rank: 0, gets: [], preparing: "trap '' XFSZ; ulimit -f 200")
            expectFailure(result, 74, "step-00000020.h5")
            #expect(
                work.results(of: "output").allSatisfy {
                    !$0.hasSuffix(".h5") && !$0.contains("partial")
                })
        }

        @Test(arguments: [0, 1])
        func aRankThatIsKilledInTheMiddle(rank: Int) async throws {
            let work = try await Workspace()
            let script = try work.folder.write(
                script: "echo $$ >'\(work.folder.path)/process.'$OMPI_COMM_WORLD_RANK\nexec \"$@\"",
                to: "note.sh")
            let arguments = work.train(into: "output", "--max-steps", "10000000", "--save-strategy", "no")
            let running = try Program.start(ranks: 2, [Program.dure] + arguments, program: script)
            try await work.waitForSteps()
            let process = String(decoding: try work.bytes("process.\(rank)"), as: UTF8.self)
            let start = ContinuousClock.now
            kill(try #require(pid_t(process.dropLast())), SIGKILL)
            let result = try await running.wait()
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(result.exitCode != 0)
            #expect(messages(result).count <= 1)
            try await work.expectNoProcesses()
            #expect(!work.results(of: "output").contains("final.h5"))
        }

        @Test(arguments: [[], ["--no-shared-memory"]], [0, 1])
        func aRankThatHangs(more: [String], rank: Int) async throws {
            let work = try await Workspace()
            let script = try work.folder.write(
                script: "echo $$ >'\(work.folder.path)/process.'$OMPI_COMM_WORLD_RANK\nexec \"$@\"",
                to: "note.sh")
            let arguments =
                work.train(into: "output", "--max-steps", "10000000", "--save-strategy", "no")
                + ["--collective-timeout", "3"] + more
            let running = try Program.start(ranks: 2, [Program.dure] + arguments, program: script)
            try await work.waitForSteps()
            let process = String(decoding: try work.bytes("process.\(rank)"), as: UTF8.self)
            let start = ContinuousClock.now
            kill(try #require(pid_t(process.dropLast())), SIGSTOP)
            let result = try await running.wait()
            #expect(ContinuousClock.now - start < .seconds(30))
            expectFailure(result, 69, "no answer from rank \(rank) on host")
            #expect(messages(result).allSatisfy { $0.contains("within 3 s (") && $0.contains(", step ") })
            try await work.expectNoProcesses()
        }

        @Test func tasksOfSlurmThatKnowNothingOfEachOther() async throws {
            let work = try await Workspace()
            let result = try await Program.run(
                work.train(into: "output"), environment: ["SLURM_STEP_NUM_TASKS": "2"])
            expectFailure(result, 64, "SLURM_STEP_NUM_TASKS=2", "srun --mpi=pmix")
            #expect(try !work.folder.names.contains("output"))
            expectSuccess(
                try await Program.run(
                    work.train(into: "output", "--max-steps", "1"),
                    environment: ["SLURM_STEP_NUM_TASKS": "1"]))
        }

        @Test func ranksThatAreToldDifferentThings() async throws {
            let work = try await Workspace()
            let result = try await run(
                work, work.train(into: "output"), rank: 1, gets: ["--learning-rate", "0.5"])
            expectFailure(result, 69, "--learning-rate is not the same on all ranks (rank 0 on host ")
            #expect(messages(result).allSatisfy { $0.contains("0.5)") })
            #expect(try !work.folder.names.contains("output"))
        }
    }
}
