import Checkpoints
import Foundation

/// Keeps a folder to one run at a time, on all hosts that share the file system.
///
/// A file in the folder is locked while the object lives; the system unlocks it when the process dies, however it does.
/// Where files cannot be locked (some cluster file systems) the file's content counts, which names host and process.
package final class FolderLock {
    /// The name of the file.
    package static let fileName = ".dure-lock"

    private var path: String
    private var descriptor: Int32

    /// Takes the lock of `folder`. Throws `.cannotCreate` when another process has it, which is named.
    package init(folder: String) throws {
        path = Self.path(in: folder)
        descriptor = try Self.take(path)
    }

    /// Whether it is the lock of `folder`, which it is no longer when its file, or the folder, has made way for another.
    package func isHeld(in folder: String) -> Bool { Self.isNamed(descriptor, Self.path(in: folder)) }

    /// Takes the lock of `folder` in place of the one that is held. Throws `.cannotCreate` when another process has it.
    package func take(in folder: String) throws {
        let path = Self.path(in: folder)
        let descriptor = try Self.take(path)
        release()
        (self.path, self.descriptor) = (path, descriptor)
    }

    private static func path(in folder: String) -> String {
        folder.hasSuffix("/") ? folder + fileName : "\(folder)/\(fileName)"
    }

    private static func take(_ path: String) throws -> Int32 {
        let descriptor = try lock(path)
        do {
            try write(LockOwner.current.text, to: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    deinit { release() }

    /// Gives the lock back. The object is of no use any more.
    package func release() {
        guard descriptor >= 0 else { return }
        // First the name, wherever the folder is by now: after the lock is gone the file may be another's.
        for path in [path, FileIdentity.path(of: descriptor)].compactMap(\.self)
        where Self.isNamed(descriptor, path) { unlink(path) }
        close(descriptor)
        descriptor = -1
    }

    /// Whoever had the file open when its owner removed it has locked a file without a name, and tries again.
    private static func lock(_ path: String) throws -> Int32 {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard descriptor >= 0 else {
                if errno == EINTR { continue }
                throw CheckpointError.cannotWrite(path, "be created", errno: errno, created: false)
            }
            do {
                try exclude(descriptor, path: path)
                if isNamed(descriptor, path) { return descriptor }
                close(descriptor)
            } catch {
                close(descriptor)
                throw error
            }
        }
    }

    private static func exclude(_ descriptor: Int32, path: String) throws {
        let owner = LockOwner(text: read(descriptor))
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return }
        if errno == EWOULDBLOCK { throw isTaken(by: owner, path: path) }
        if let owner, owner.mayBeAlive { throw isTaken(by: owner, path: path) }
    }

    private static func isTaken(by owner: LockOwner?, path: String) -> CheckpointError {
        let who = owner.map { "process \($0.process) on host \($0.host)" } ?? "another process"
        return CheckpointError(
            .cannotCreate, "another run is writing to this folder, \(who)", path: path,
            remedy: "name another folder, or wait; should that run be gone, remove this file")
    }

    private static func isNamed(_ descriptor: Int32, _ path: String) -> Bool {
        guard let own = FileIdentity(descriptor) else { return false }
        return own == FileIdentity(path: path)
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    private static func write(_ text: String, to descriptor: Int32, path: String) throws {
        guard ftruncate(descriptor, 0) == 0 else {
            throw CheckpointError.cannotWrite(path, "be written", errno: errno, created: true)
        }
        let bytes = Array(text.utf8)
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw CheckpointError.cannotWrite(path, "be written", errno: errno, created: true)
        }
    }
}

/// Who has a lock, as its file tells: host, process and when that started, so that a process of the same number later is
/// not taken for it.
struct LockOwner: Equatable {
    let host: String
    let process: Int32
    let started: String

    static var current: LockOwner {
        let process = getpid()
        return LockOwner(
            host: Host.name, process: process, started: start(of: process) ?? "?")
    }

    init(host: String, process: Int32, started: String) {
        self.host = host
        self.process = process
        self.started = started
    }

    init?(text: String) {
        let parts = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard parts.count == 3, let process = Int32(parts[1]), process > 0 else { return nil }
        self.init(host: parts[0], process: process, started: parts[2])
    }

    var text: String { "\(host) \(process) \(started)\n" }

    /// Of another host nothing is known.
    var mayBeAlive: Bool {
        host != Self.current.host || Self.start(of: process) == started
    }

    /// Field 22 of the process's status: ticks from the machine's start to the process's.
    private static func start(of process: Int32) -> String? {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            // The name before may hold anything.
            let end = status.lastIndex(of: ")")
        else { return nil }
        let fields = status[status.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? String(fields[19]) : nil
    }
}
