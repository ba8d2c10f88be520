/// An error that says how the process should end because of it.
package protocol ExitCoded: Error {
    /// The exit code of the interface (sysexits).
    var exitCode: Int32 { get }
}

extension DistributedError: ExitCoded {
    package var exitCode: Int32 {
        switch self {
        case .mpi, .replicasDiffer: 69
        case .peerFailed(_, let exitCode, _): exitCode
        }
    }
}

extension Communicator {
    /// Runs `body` on every rank and goes on only if it worked on all of them.
    ///
    /// Without this a rank that fails leaves the others waiting in their next exchange. Every rank throws: the
    /// first that failed its own error, the others `DistributedError.peerFailed` with that rank's message.
    package func together<Result>(_ body: () throws -> Result) throws -> Result {
        guard size > 1 else { return try body() }
        let outcome = Swift.Result(catching: body)
        let reports = try allGather([UInt8](Report(failure: outcome)))
        for (peer, bytes) in reports.enumerated() {
            guard let report = Report(bytes: bytes) else { continue }
            if peer == rank { break }
            throw DistributedError.peerFailed(rank: peer, exitCode: report.exitCode, message: report.message)
        }
        return try outcome.get()
    }

    /// Runs `body` on rank 0 alone, and goes on only if it worked.
    package func onRoot(_ body: () throws -> Void) throws {
        try together { if isRoot { try body() } }
    }

    /// Compares a number that must be the same on every rank; differing ranks are those that disagree with
    /// rank 0.
    package func requireEqual(_ value: UInt64, _ what: String) throws {
        let values = try allGather(withUnsafeBytes(of: value.littleEndian) { Array($0) })
        let different = values.indices.filter { values[$0] != values[0] }
        if !different.isEmpty { throw DistributedError.replicasDiffer(what: what, ranks: different) }
    }
}

/// A failure in bytes: the exit code, then the message; empty for success.
private struct Report {
    let exitCode: Int32
    let message: String

    init?<Result>(failure outcome: Swift.Result<Result, any Error>) {
        guard case .failure(let error) = outcome else { return nil }
        exitCode = (error as? any ExitCoded)?.exitCode ?? 70
        message = "\(error)"
    }

    init?(bytes: [UInt8]) {
        guard let code = bytes.first else { return nil }
        exitCode = Int32(code)
        message = String(decoding: bytes.dropFirst(), as: UTF8.self)
    }
}

extension [UInt8] {
    fileprivate init(_ report: Report?) {
        self = report.map { [UInt8(truncatingIfNeeded: $0.exitCode)] + Array($0.message.utf8) } ?? []
    }
}
