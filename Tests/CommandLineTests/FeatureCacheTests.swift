import Foundation
import TestSupport
import Testing

extension ProgramTests {
    @Suite struct FeatureCacheTests {
        private func lines(_ result: ProgramResult, _ words: String) -> Int {
            result.errorLines.count { $0.contains(words) }
        }

        private func kept(_ work: Workspace, _ folder: String) -> [String] {
            work.folder.contents(of: folder).filter { $0.hasSuffix(".h5") }.map {
                work.folder.file("\(folder)/\($0)")
            }
        }

        @Test(arguments: [1, 2])
        func aSecondRunReusesFeaturesAndADamagedCacheIsRebuilt(ranks: Int) async throws {
            let work = try await Workspace()
            let arguments = work.train(
                into: "run", "--validation-file", work.validationFile, "--max-steps", "2", "--save-strategy",
                "no")
            let first = try await Program.run(ranks: ranks, arguments)
            expectSuccess(first)
            #expect(lines(first, "cache") == 0 && kept(work, "run/features").count == 2)
            let second = try await Program.run(ranks: ranks, arguments)
            expectSuccess(second)
            #expect(lines(second, "from the cache") == 2 && lines(second, "rebuilding") == 0)

            for path in kept(work, "run/features") {
                var bytes = try Data(contentsOf: URL(filePath: path))
                for offset in bytes.indices.dropFirst(bytes.count / 2).prefix(64) { bytes[offset] ^= 0xFF }
                try bytes.write(to: URL(filePath: path))
            }
            let third = try await Program.run(ranks: ranks, arguments)
            expectSuccess(third)
            #expect(lines(third, "rebuilding") == 2 && lines(third, "from the cache") == 0)
            let fourth = try await Program.run(ranks: ranks, arguments)
            #expect(lines(fourth, "from the cache") == 2)
            let reused = try work.losses("run")
            expectSuccess(try await Program.run(ranks: ranks, arguments + ["--no-feature-cache"]))
            #expect(try work.losses("run") == reused)
        }

        @Test func aFolderOfFeaturesCanBeShared() async throws {
            let work = try await Workspace()
            let shared = work.folder.file("shared")
            let training = work.train(
                into: "run", "--validation-file", work.validationFile, "--max-steps", "1", "--feature-cache",
                shared)
            expectSuccess(try await Program.run(training))
            let evaluation = try await Program.run(
                work.evaluate(work.model, into: "output", "--feature-cache", shared))
            expectSuccess(evaluation)
            #expect(lines(evaluation, "from the cache") == 1)
            #expect(!work.folder.contents(of: "output").contains("features"))
            #expect(!work.folder.contents(of: "run").contains("features"))
        }

        @Test func featuresNeedNotBeKept() async throws {
            let work = try await Workspace()
            expectSuccess(
                try await Program.run(work.evaluate(work.model, into: "output", "--no-feature-cache")))
            #expect(!work.folder.contents(of: "output").contains("features"))
            let both = work.evaluate(work.model, into: "output", "--no-feature-cache", "--feature-cache", "x")
            expectFailure(try await Program.run(both), 64, "--feature-cache", "--no-feature-cache")
        }

        @Test func aCacheThatCannotBeWrittenIsAWarning() async throws {
            let work = try await Workspace()
            let file = try work.folder.write([UInt8](), to: "file")
            let result = try await Program.run(
                work.evaluate(work.model, into: "output", "--feature-cache", file + "/features"))
            expectSuccess(result)
            #expect(lines(result, "dure: warning: the features could not be kept") == 1)
        }

        @Test func runsAtOnceShareACache() async throws {
            let work = try await Workspace()
            let shared = work.folder.file("shared")
            async let one = Program.run(work.evaluate(work.model, into: "one", "--feature-cache", shared))
            async let two = Program.run(work.evaluate(work.model, into: "two", "--feature-cache", shared))
            for result in try await [one, two] { expectSuccess(result) }
            #expect(work.folder.contents(of: "shared").count == 1)
            #expect(try work.bytes("one/eval_predictions.json") == work.bytes("two/eval_predictions.json"))
        }
    }
}
