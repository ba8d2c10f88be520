import CHDF5
import Foundation

/// The HDF5 library as a whole: its one lock, its start and its error stack.
///
/// HDF5 is often built without thread safety, so every call is made under `locked`. The lock is recursive: handles
/// close themselves under it from wherever they go out of scope.
enum HDF5 {
    /// The first bytes of an HDF5 file.
    static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Whether a file that begins with `start` has a checksum in every part of its structure: those with version 2
    /// or 3 of the superblock, which follows the signature.
    static func hasChecksummedStructure(_ start: some Collection<UInt8>) -> Bool {
        start.starts(with: signature) && (2...3).contains(start.dropFirst(signature.count).first ?? 0)
    }

    /// The error about the file at `path`, which begins with `start`, when it is no HDF5 file.
    static func otherContent(_ start: [UInt8], path: String, remedy: String) -> CheckpointError? {
        if start.starts(with: signature) { return nil }
        return CheckpointError.otherContent(
            start, path: path, wanted: [.hdf5], format: "HDF5", remedy: remedy)
            ?? .badData("is not an HDF5 file", path: path, remedy: remedy)
    }

    private static let lock = NSRecursiveLock()

    private static let started: Void = {
        // The clean-up at exit retries, in a loop and aloud, what failed on a full disk. Handles close themselves.
        H5dont_atexit()
        H5open()
        // Whoever made a file should choose neither what else is opened, by a link to another file, nor what code runs,
        // by a filter that HDF5 would look for among its plugins.
        H5Lunregister(H5L_TYPE_EXTERNAL)
        H5PLset_loading_state(0)
    }()

    /// Runs `body` with the library started and to itself.
    static func locked<Result: ~Copyable>(_ body: () throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        _ = started
        // Errors are reported once, as `CheckpointError`, not as a stack on stderr. Where HDF5 is built thread-safe,
        // this is a setting of the thread.
        H5Eset_auto2(dure_h5e_default(), nil, nil)
        return try body()
    }

    /// What the last failed call left on the error stack.
    struct Failure {
        /// The innermost message: what actually happened.
        var message = "HDF5 gives no reason"
        /// The error of the system call below, when there was one.
        var errorNumber: Int32?
    }

    /// Reads the error stack; to be called right after the failed call.
    static func lastFailure() -> Failure {
        var messages: [String] = []
        withUnsafeMutablePointer(to: &messages) { pointer in
            let visit: H5E_walk2_t = { _, description, context in
                if let text = description?.pointee.desc, let context {
                    context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: text))
                }
                return 0
            }
            _ = H5Ewalk2(dure_h5e_default(), H5E_WALK_UPWARD, visit, pointer)
        }
        var failure = Failure()
        if let innermost = messages.first { failure.message = innermost }
        // The file driver writes `errno = 28, error message = '…'` into its message.
        for message in messages {
            guard let marker = message.range(of: "errno = ") else { continue }
            failure.errorNumber = Int32(message[marker.upperBound...].prefix { $0.isNumber })
        }
        return failure
    }
}

/// Of the library in use.
package enum HDF5Version {
    package static var library: String {
        var (major, minor, release) = (UInt32(0), UInt32(0), UInt32(0))
        HDF5.locked { _ = H5get_libversion(&major, &minor, &release) }
        return "\(major).\(minor).\(release)"
    }
}

/// Where in which file an HDF5 call is made, for its error.
struct HDF5Location {
    /// As the user knows it: not the temporary name.
    let path: String
    /// The object, as `/model/qa_outputs.bias`.
    var item: String?
    /// Whether the file is being written, so that every failure is one of writing.
    let isWriting: Bool

    /// The member `name` of what is here.
    func member(_ name: String) -> HDF5Location {
        HDF5Location(path: path, item: "\(item ?? "")/\(name)", isWriting: isWriting)
    }

    /// Passes on a non-negative result; `action` completes "cannot …".
    @discardableResult
    func check<Code: SignedInteger>(_ code: Code, _ action: String) throws -> Code {
        guard code >= 0 else { throw error(action) }
        return code
    }

    /// The error of the call that just failed.
    func error(_ action: String) -> CheckpointError {
        let failure = HDF5.lastFailure()
        if let number = failure.errorNumber {
            if isWriting { return .cannotWrite(path, action, errno: number, created: true) }
            return CheckpointError(
                .ioFailed, "cannot \(action), \(CheckpointError.errorText(number))", path: path, item: item,
                remedy: "check the disk, then try again")
        }
        return CheckpointError(
            isWriting ? .ioFailed : .badData, "cannot \(action), \(failure.message)", path: path, item: item,
            remedy: isWriting ? "check the disk, then try again" : "the file is damaged: use another copy")
    }

    /// An error in what the file holds rather than of a call.
    func bad(_ what: String) -> CheckpointError { .badData(what, path: path, item: item) }

    /// An error in what the file holds, which may be right elsewhere but is not read here.
    func refused(_ what: String) -> CheckpointError {
        .badData(
            what, path: path, item: item,
            remedy: "use a file that holds its data itself, as dure and Keras save them")
    }
}
