import Foundation

/// Sends a large file to the disk while it is being written, and its pages back to the system.
///
/// Left alone, the system keeps gigabytes of what nobody will read again: it takes the memory of others for it, and time
/// to find that memory, and sends everything at once when the file is flushed.
final class WriteBehind {
    /// Parts on their way to the disk at once.
    private static let limit = 4
    // sync_file_range(2) and its flags, which the headers show to those alone who define _GNU_SOURCE before.
    private typealias Synchronize = @convention(c) (Int32, Int64, Int64, UInt32) -> Int32
    private static let synchronize = dlsym(nil, "sync_file_range").map {
        unsafeBitCast($0, to: Synchronize.self)
    }
    private static let start: UInt32 = 2
    private static let startAndWait: UInt32 = 1 | 2 | 4

    private let descriptor: Int32
    private var onTheWay: [Range<Int>] = []

    /// - path: of a file that exists. Where it cannot be opened nothing is sent early, and nothing is lost by that.
    init(path: String) { descriptor = open(path, O_WRONLY | O_CLOEXEC) }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Bytes in `range` of the file have been written and will not be again.
    func wrote(_ range: Range<Int>) {
        guard descriptor >= 0, let synchronize = Self.synchronize else { return }
        _ = synchronize(descriptor, Int64(range.lowerBound), Int64(range.count), Self.start)
        onTheWay.append(range)
        while onTheWay.count > Self.limit { release(onTheWay.removeFirst()) }
    }

    /// Waits for what is on its way.
    func finish() {
        for range in onTheWay { release(range) }
        onTheWay = []
    }

    // Failures come up again when the file is flushed.
    private func release(_ range: Range<Int>) {
        _ = Self.synchronize?(descriptor, Int64(range.lowerBound), Int64(range.count), Self.startAndWait)
        posix_fadvise(descriptor, range.lowerBound, range.count, POSIX_FADV_DONTNEED)
    }
}
