import TestSupport
import Testing

extension ProgramTests {
    @Suite struct BenchTests {
        private func report(ranks: Int, _ more: String...) async throws -> JSON {
            let work = try await Workspace()
            let result = try await Program.run(
                ranks: ranks,
                [
                    "bench", "comm", "--json", "--config", try work.configuration(), "--max-seq-length", "64",
                    "--batch-size", "8", "--steps", "2",
                ] + more)
            expectSuccess(result)
            return try JSON(result.output)
        }

        @Test func communicationInMemoryIsMeasuredAndForecast() async throws {
            let report = try await report(ranks: 2)
            #expect(report["hosts"]?.number == 1 && report["ranks"]?.number == 2)
            #expect(report["link_between_hosts"] == .null)
            #expect(try #require(report["link_on_host"]?["bytes_per_second"]?.number) > 1e6)
            let sums = try #require(report["sums"]?.list)
            #expect(sums.count == 12 && sums.allSatisfy { ($0["rate"]?.number ?? 0) > 0 })
            let rows = try #require(report["forecast"]?["rows"]?.list)
            #expect(rows.compactMap { $0["ranks"]?.number } == [2, 4, 8, 16, 32, 64, 128, 256])
            #expect(rows.compactMap { $0["hosts"]?.number } == [1, 2, 4, 8, 16, 32, 64, 128])
            #expect(rows[0]["error"]?.number != nil && rows[1]["error"] == .null)
            #expect(report["forecast"]?["assumed_link"]?["bytes_per_second"]?.number == 1.25e9)
        }

        @Test func communicationInMessagesIsMeasuredAndForecast() async throws {
            let report = try await report(
                ranks: 3, "--no-shared-memory", "--link-gigabits", "1", "--link-microseconds", "50")
            let rows = try #require(report["forecast"]?["rows"]?.list)
            #expect(rows.compactMap { $0["ranks"]?.number } == [3, 4, 8, 16, 32, 64, 128, 256])
            #expect(rows.allSatisfy { $0["hosts"] == $0["ranks"] })
            let hidden = try #require(report["step"]?["hidden_share"]?.number)
            #expect((0...1).contains(hidden))
            #expect(report["forecast"]?["assumed_link"]?["bytes_per_second"]?.number == 1.25e8)
        }

        @Test func communicationNeedsAnother() async throws {
            let result = try await Program.run(["bench", "comm"])
            expectFailure(result, 64, "mpirun -n 2")
        }
    }
}
