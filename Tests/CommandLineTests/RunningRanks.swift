import Foundation
import TestSupport
import Testing

/// A rank of a run, as a process of this machine.
struct RankProcess {
    let id: pid_t
    let rank: Int

    init?(_ id: pid_t) {
        let rank = Self.variable("OMPI_COMM_WORLD_RANK", of: id).flatMap { Int($0) }
        guard let rank else { return nil }
        self.id = id
        self.rank = rank
    }

    /// A variable of its environment.
    func variable(_ name: String) -> String? { Self.variable(name, of: id) }

    private static func variable(_ name: String, of process: pid_t) -> String? {
        let variables = FileManager.default.contents(atPath: "/proc/\(process)/environ") ?? Data()
        let own = variables.split(separator: 0).lazy.map { String(decoding: $0, as: UTF8.self) }
            .first { $0.hasPrefix("\(name)=") }
        return own.map { String($0.dropFirst(name.count + 1)) }
    }

    var isAlive: Bool { kill(id, 0) == 0 }

    /// Whether it has ended and its parent, which still runs, does not want to know.
    var isNeglected: Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8) else {
            return false
        }
        return status.contains("State:\tZ") && !status.contains("PPid:\t1\n")
    }
}

extension Workspace {
    /// The ranks that run on this folder; a process is not one before it has become the program.
    var rankProcesses: [RankProcess] {
        let program = URL(filePath: Program.dure).resolvingSymlinksInPath().path()
        return Program.processes(mentioning: folder.path).compactMap { id in
            let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/exe")
            return executable == program ? RankProcess(id) : nil
        }.sorted { $0.rank < $1.rank }
    }

    /// Waits until `count` ranks run.
    func waitForRanks(_ count: Int) async throws -> [RankProcess] {
        try await wait(for: "ranks to start") { rankProcesses.count >= count }
        return rankProcesses
    }

    /// Waits until the run into the folder `output` has made some steps.
    func waitForSteps() async throws {
        try await wait(for: "steps") {
            (try? bytes("output/metrics.jsonl")).map { $0.count > 1000 } ?? false
        }
    }

    func wait(for event: String, until condition: () throws -> Bool) async throws {
        for _ in 0..<6000 {
            if try condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        try #require(try condition(), "waited for \(event) in vain")
    }

    /// mpirun may be gone a moment before the last rank is.
    func expectNoProcesses(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for _ in 0..<500 where !Program.processes(mentioning: folder.path).isEmpty {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(Program.processes(mentioning: folder.path).isEmpty, sourceLocation: sourceLocation)
    }
}
