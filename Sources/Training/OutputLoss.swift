import Checkpoints
import Foundation

/// A file of the output folder that stays open while a run writes to it, and to which nobody else should.
struct OpenLog {
    /// In the output folder.
    let name: String
    let descriptor: Int32
}

/// Change to a run's files that something else made while the run was writing them.
enum OutputLoss: Equatable {
    case movedTo(String)
    case removed
    /// The lock's file was removed, and what the lock stood for is another run's now; the text is its refusal.
    case taken(String)
    /// Files, by their names, that were removed, or made way for others.
    case logs([String])
    /// A file that somebody has cut.
    case cut(String)

    /// One clause.
    var what: String {
        switch self {
        case .movedTo: "the output folder was moved during the run"
        case .removed: "the output folder was removed during the run"
        case .taken(let refusal):
            "the lock of the output folder was removed during the run, and now \(refusal)"
        case .logs(let names): "\(names.joined(separator: " and ")) was removed or replaced during the run"
        case .cut(let name): "\(name) was cut short during the run"
        }
    }
}

// MARK: Finding it

extension RunFolder {
    /// Looks for the gravest thing.
    func findLoss() -> OutputLoss? {
        if let path = output.movedTo { return .movedTo(path) }
        if output.isGone { return .removed }
        // A lock that nobody has taken meanwhile is taken again.
        if !lock.isHeld(in: output.path) {
            do { try lock.take(in: output.path) } catch {
                return .taken((error as? CheckpointError)?.what ?? "\(error)")
            }
        }
        let missing = logs.filter { !isNamed($0) }.map(\.name)
        if !missing.isEmpty { return .logs(missing) }
        return logs.first { isCut($0) }.map { .cut($0.name) }
    }

    private func isNamed(_ log: OpenLog) -> Bool {
        FileIdentity(log.descriptor) == FileIdentity(path: output.path(of: log.name))
    }

    /// Whether the file ends before the place where the run has written.
    private func isCut(_ log: OpenLog) -> Bool {
        var status = stat()
        return fstat(log.descriptor, &status) == 0 && lseek(log.descriptor, 0, SEEK_CUR) > status.st_size
    }
}

// MARK: Saving what can be saved

extension RunFolder: RunPlace {
    package var isLost: Bool { loss != nil }

    /// Makes the folder again where it was removed, unless another run has its place.
    package func makeSafe() throws {
        switch loss {
        case nil, .movedTo, .logs, .cut: return
        case .taken(let refusal): throw takenBy(refusal)
        case .removed:
            guard output.isGone else { return }
            guard !holdsRun else { throw takenBy("it has left its results there") }
            try output.recreate()
            try lock.take(in: output.path)
        }
    }

    private func takenBy(_ who: String) -> CheckpointError {
        CheckpointError(
            .ioFailed, "the place is another run's: \(who)", path: output.path,
            remedy: "name another --output-dir")
    }

    package func fail(saving: RunPlaceSaving) throws {
        guard let loss else { return }
        var kept: [String] = []
        var failure = saving.failure
        do {
            try makeSafe()
            kept = try logs.filter { !isNamed($0) }.map(restore)
        } catch {
            failure = failure ?? "\(error)"
        }
        throw CheckpointError(
            .ioFailed, loss.what, path: place(loss), remedy: remedy(loss, saving, kept, failure))
    }

    private func place(_ loss: OutputLoss) -> String {
        if case .movedTo(let path) = loss { "\(output.name), now \(path)" } else { output.name }
    }

    private func remedy(
        _ loss: OutputLoss, _ saving: RunPlaceSaving, _ kept: [String], _ failure: String?
    ) -> String {
        var parts: [String] = []
        if case .movedTo = loss { parts.append("all that the run has written is there") }
        if !kept.isEmpty { parts.append("what was logged is in \(kept.joined(separator: " and ")) again") }
        if let step = saving.step { parts.append("the state after step \(step) is saved") }
        if let failure { parts.append("not all could be saved: \(failure)") }
        let isSaved = saving.step != nil || loss.keepsCheckpoints
        parts.append(
            saving.isComplete && isSaved ? "the run is complete" : Self.wayOn(loss, isSaved: isSaved))
        return parts.joined(separator: "; ")
    }

    private static func wayOn(_ loss: OutputLoss, isSaved: Bool) -> String {
        let again = isSaved ? "run again with --resume" : "run again"
        return switch loss {
        case .movedTo: "move it back or give that place as --output-dir, and \(again)"
        case .taken: "name another --output-dir, and \(again)"
        case .removed, .logs, .cut: again
        }
    }

    /// Writes what an open log holds to its name again, or beside what has that name now.
    ///
    /// - Returns: the path.
    private func restore(_ log: OpenLog) throws -> String {
        var name = log.name
        var number = 1
        while access(output.path(of: name), F_OK) == 0 {
            name = "\(log.name).kept-\(number)"
            number += 1
        }
        let path = output.path(of: name)
        try AtomicFile.stream(to: path) { sink in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var offset = 0
            while true {
                let count = pread(log.descriptor, &buffer, buffer.count, off_t(offset))
                if count < 0 {
                    if errno == EINTR { continue }
                    throw CheckpointError.cannotWrite(path, "be restored", errno: errno, created: true)
                }
                guard count > 0 else { return }
                try buffer.withUnsafeBytes { try sink.write(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                offset += count
            }
        }
        return path
    }
}

extension OutputLoss {
    /// Whether checkpoints from before are still in the folder.
    fileprivate var keepsCheckpoints: Bool { self != .removed }
}
