import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// How the program divides the cores that it is bound to, and what it says of those.
    @Suite struct ThreadTests {
        /// Runs the program, or a launcher, on one of the cores that the tests may run on.
        private static func runOnOneCore(
            _ arguments: [String], _ variables: [String: String?] = [:]
        ) async throws -> ProgramResult {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try #require(
                status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
            let core = try #require(line.split { !$0.isNumber }.first)
            return try await Program.run(
                ["-c", "\(core)"] + arguments, program: "/usr/bin/taskset",
                environment: variables.merging([
                    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                ]) { $1 })
        }

        private static func warnings(_ result: ProgramResult, _ words: String) -> Int {
            result.errorLines.count { $0.hasPrefix("dure: warning: ") && $0.contains(words) }
        }

        @Test func aProcessBoundToACoreUsesThatAlone() async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output", "--max-steps", "1", "--save-strategy", "no")
            let result = try await Self.runOnOneCore([Program.dure] + arguments)
            expectSuccess(result)
            #expect(Self.warnings(result, "thread") == 0)
            #expect(try work.json("output/run.json")["threads_per_rank"] == 1)
        }

        @Test func moreThreadsThanCoresAreGivenWithAWarning() async throws {
            let work = try await Workspace()
            let train = work.train(
                into: "output", "--max-steps", "1", "--save-strategy", "no", "--threads", "2")
            let trained = try await Self.runOnOneCore([Program.dure] + train)
            let evaluate = work.evaluate(work.model, into: "evaluation", "--threads", "2")
            let evaluated = try await Self.runOnOneCore([Program.dure] + evaluate)
            for result in [trained, evaluated] {
                expectSuccess(result)
                #expect(Self.warnings(result, "rank 0 has 2 threads") == 1, "\(result.errorText)")
                #expect(Self.warnings(result, "give --threads 1") == 1)
            }
            #expect(try work.json("output/run.json")["threads_per_rank"] == 2)
        }

        @Test func ranksOnOneCoreAreNamedOnce() async throws {
            let work = try await Workspace()
            let arguments = work.train(into: "output", "--max-steps", "1", "--save-strategy", "no")
            let launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2", Program.dure]
            let result = try await Self.runOnOneCore(launcher + arguments)
            expectSuccess(result)
            #expect(Self.warnings(result, "ranks 0-1 have 2 threads") == 1, "\(result.errorText)")
            #expect(try work.json("output/run.json")["threads_per_rank"] == 1)
        }

        /// Ways in which modules of clusters have an OpenMP library bind its threads.
        private static let bindings = [
            "OMP_PROC_BIND=true", "OMP_PROC_BIND=close", "OMP_PROC_BIND=spread", "OMP_PLACES=cores",
            "GOMP_CPU_AFFINITY=0", "KMP_AFFINITY=granularity=fine,compact",
        ]

        private static func variables(_ binding: String) -> [String: String?] {
            let parts = binding.split(separator: "=", maxSplits: 1).map(String.init)
            return [parts[0]: parts[1]]
        }

        @Test(arguments: bindings) func variablesOfOpenMPTakeNoThreadsAway(binding: String) async throws {
            let work = try await Workspace()
            let short = ["--max-steps", "1", "--save-strategy", "no"]
            expectSuccess(try await Program.run(work.train(into: "without") + short))
            let variables = Self.variables(binding)
            let alone = try await Program.run(work.train(into: "alone") + short, environment: variables)
            let two = try await Program.run(
                ranks: 2, work.train(into: "two") + short, environment: variables)
            let bound = try await Self.runOnOneCore(
                [Program.dure] + work.train(into: "bound") + short, variables)
            for result in [alone, bound] {
                expectSuccess(result)
                #expect(Self.warnings(result, "thread") == 0, "\(result.errorText)")
            }
            expectSuccess(two)
            let cores = ProcessInfo.processInfo.activeProcessorCount
            #expect(cores < 2 || Self.warnings(two, "may only run on") == 0, "\(two.errorText)")
            func threads(_ output: String) throws -> JSON? {
                try work.json("\(output)/run.json")["threads_per_rank"]
            }
            #expect(try threads("alone") == threads("without"))
            #expect(try threads("bound") == 1)
        }

        #if arch(x86_64)
            @Test func everyCommandThatComputesTellsOfSlowKernels() async throws {
                let work = try await Workspace()
                let question = ["--question", "두레는 무엇인가?", "--context", "두레는 공동 노동 조직이다."]
                let commands = [
                    work.train(into: "output", "--max-steps", "1", "--save-strategy", "no"),
                    work.evaluate(work.model, into: "evaluation"),
                    ["answer", "--model", work.model] + Workspace.windows + question,
                ]
                for command in commands {
                    let result = try await Program.run(
                        command, environment: ["OPENBLAS_CORETYPE": "Prescott"])
                    expectSuccess(result)
                    #expect(Self.warnings(result, "unset OPENBLAS_CORETYPE") == 1, "\(result.errorText)")
                }
            }
        #endif
    }
}
