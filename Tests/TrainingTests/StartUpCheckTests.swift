import Distributed
import Kernels
import TestSupport
import Testing
import Training

@Suite struct StartUpCheckTests {
    private static func run(
        _ values: [String], hosts: [Int], isRequired: Bool
    ) -> [Result<[String], any Error>] {
        onRanks(values.count, hosts: hosts) { communicator in
            try StartUpCheck.run(
                [
                    StartUpCheck.Item("the colour", "red"),
                    StartUpCheck.Item("the size", values[communicator.rank], isRequired: isRequired),
                ], over: communicator)
        }
    }

    @Test func equalRanksPass() throws {
        for outcome in Self.run(["a", "a", "a"], hosts: [0, 0, 1], isRequired: true) {
            #expect(try outcome.get().isEmpty)
        }
        #expect(try StartUpCheck.run(StartUpCheck.environment, over: SingleProcess()).isEmpty)
        for outcome in onRanks(2, { try StartUpCheck.run(StartUpCheck.environment, over: $0) }) {
            #expect(try outcome.get().isEmpty)
        }
    }

    @Test func whatMustBeTheSameIsListedByHost() throws {
        for outcome in Self.run(["a", "a", "b", "a"], hosts: [0, 0, 1, 2], isRequired: true) {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 69 && failure.rank == 2)
            #expect(
                failure.description.hasPrefix(
                    "the size is not the same on all ranks (host host0, host host2: a; host host1: b): "))
        }
    }

    @Test func ranksOfAHostThatDifferAreNamed() throws {
        for outcome in Self.run(["a", "b"], hosts: [0, 0], isRequired: true) {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.description.contains("(rank 0 on host host0: a; rank 1 on host host0: b)"))
        }
    }

    @Test func whatMayDifferIsSaid() throws {
        for outcome in Self.run(["a", "b"], hosts: [0, 1], isRequired: false) {
            let notices = try outcome.get()
            #expect(notices.count == 1)
            #expect(
                notices[0].hasPrefix("the size is not the same on all hosts (host host0: a; host host1: b): ")
            )
        }
    }

    @Test func ranksMayHaveOtherLibrariesForBrainFloats() throws {
        let item = try #require(StartUpCheck.environment.first { $0.name == "the library for bf16" })
        #expect(!item.isRequired)
        let version = oneDNNVersion()
        #expect(version == nil ? item.value == "none" : item.value.hasPrefix("oneDNN \(version ?? "") with"))
    }
}
