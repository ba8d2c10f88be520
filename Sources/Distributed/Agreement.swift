/// An error that says how the process should end because of it.
package protocol ExitCoded: Error {
    /// The exit code of the interface (sysexits).
    var exitCode: Int32 { get }
}

extension DistributedError: ExitCoded {
    package var exitCode: Int32 { 69 }
}

/// A failure that every rank knows of, so that all can leave in order and one of them reports it.
package struct AgreedFailure: ExitCoded, CustomStringConvertible {
    /// The first rank that failed.
    package let rank: Int
    /// Whether that is this rank: the one to print the message.
    package let isOwn: Bool
    package let exitCode: Int32
    package let description: String

    package init(_ error: any Error, rank: Int, isOwn: Bool) {
        self.init(
            rank: rank, isOwn: isOwn, exitCode: (error as? any ExitCoded)?.exitCode ?? 70,
            description: "\(error)")
    }

    init(rank: Int, isOwn: Bool, exitCode: Int32, description: String) {
        self.rank = rank
        self.isOwn = isOwn
        self.exitCode = exitCode
        self.description = description
    }
}

extension Communicator {
    /// Runs `body` on every rank and goes on only if it worked on all of them. Otherwise every rank throws
    /// `AgreedFailure` with the error of the first that failed; without it a rank that fails would leave the
    /// others waiting in their next exchange.
    package func together<Success>(_ body: () throws -> Success) throws -> Success {
        guard size > 1 else { return try body() }
        let outcome = Result(catching: body)
        let reports = try allGather(FailureReport.encode(outcome))
        for (peer, bytes) in reports.enumerated() {
            guard let (exitCode, message) = FailureReport.decode(bytes) else { continue }
            throw AgreedFailure(rank: peer, isOwn: peer == rank, exitCode: exitCode, description: message)
        }
        return try outcome.get()
    }

    /// Runs `body` on rank 0 alone, and goes on only if it worked.
    package func onRoot(_ body: () throws -> Void) throws {
        try together { if isRoot { try body() } }
    }

    /// The smallest of the ranks' values.
    package func minimum(_ value: Int) throws -> Int {
        let values = try allGather(withUnsafeBytes(of: Int64(value).littleEndian) { Array($0) })
        return values.reduce(value) { least, bytes in
            min(least, Int(Int64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) })))
        }
    }

    /// Compares a number that must be the same on every rank; throws on every rank naming those that disagree
    /// with rank 0.
    package func requireEqual(_ value: UInt64, _ what: String) throws {
        let values = try allGather(withUnsafeBytes(of: value.littleEndian) { Array($0) })
        let different = values.indices.filter { values[$0] != values[0] }
        guard let first = different.first else { return }
        let error = DistributedError.replicasDiffer(
            what: what, ranks: different.map { RankName(rank: $0, host: host(of: $0)) })
        throw AgreedFailure(error, rank: first, isOwn: rank == first)
    }
}

/// A failure in bytes: the exit code, then the message; empty for success.
private enum FailureReport {
    static func encode<Success>(_ outcome: Result<Success, any Error>) -> [UInt8] {
        guard case .failure(let error) = outcome else { return [] }
        let exitCode = (error as? any ExitCoded)?.exitCode ?? 70
        return [UInt8(truncatingIfNeeded: exitCode)] + Array("\(error)".utf8)
    }

    static func decode(_ bytes: [UInt8]) -> (exitCode: Int32, message: String)? {
        guard let code = bytes.first else { return nil }
        return (Int32(code), String(decoding: bytes.dropFirst(), as: UTF8.self))
    }
}
