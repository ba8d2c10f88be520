import CMPI
import Foundation
import Kernels

/// Buffers that all ranks of a host can read and write (an MPI-3 shared memory window).
final class SharedWindow {
    let count: Int
    /// This rank's buffer, or the one of all.
    let own: UnsafeMutablePointer<Float>
    private var window: MPI_Win?
    /// Of every rank, or the one.
    let buffers: [UnsafeMutablePointer<Float>]
    private let rank: Int

    enum Copies {
        /// A buffer for each rank.
        case each
        /// One for all of them.
        case one
    }

    /// Every rank of the host must call this. There must be room: `freeBytes`.
    init(count: Int, _ copies: Copies, host: MPI_Comm?, rank: Int, size: Int) throws {
        let owners = copies == .each ? size : 1
        let bytes = rank < owners ? count * MemoryLayout<Float>.stride : 0
        var window: MPI_Win? = dure_mpi_win_null()
        var base: UnsafeMutableRawPointer?
        try withUnsafeMutablePointer(to: &base) { pointer in
            try check(
                MPI_Win_allocate_shared(
                    MPI_Aint(bytes), Int32(MemoryLayout<Float>.stride), dure_mpi_info_null(), host,
                    UnsafeMutableRawPointer(pointer), &window), "MPI_Win_allocate_shared", rank)
        }
        buffers = try (0..<owners).map { try Self.buffer($0, of: window, count, rank) }
        own = buffers[min(rank, owners - 1)]
        // The system hands out zeros, page by page when they are written.
        // Accesses are ordered by hand, below; the epoch stays open for the window's life.
        try check(MPI_Win_lock_all(Int32(MPI_MODE_NOCHECK), window), "MPI_Win_lock_all", rank)
        self.count = count
        self.window = window
        self.rank = rank
    }

    /// Every rank of the host must call this.
    func free() {
        MPI_Win_unlock_all(window)
        MPI_Win_free(&window)
    }

    /// To be called before and after the ranks meet, so that what any wrote before is seen by all after.
    func synchronize() throws { try check(MPI_Win_sync(window), "MPI_Win_sync", rank) }

    private static func buffer(
        _ peer: Int, of window: MPI_Win?, _ count: Int, _ rank: Int
    ) throws -> UnsafeMutablePointer<Float> {
        var bytes: MPI_Aint = 0
        var unit: Int32 = 0
        var base: UnsafeMutableRawPointer?
        try withUnsafeMutablePointer(to: &base) { pointer in
            try check(
                MPI_Win_shared_query(
                    window, Int32(peer), &bytes, &unit, UnsafeMutableRawPointer(pointer)),
                "MPI_Win_shared_query", rank)
        }
        guard let base, bytes >= count * MemoryLayout<Float>.stride else {
            throw DistributedError.mpi(
                call: "MPI_Win_shared_query", message: "the window of rank \(peer) is too small", rank: rank)
        }
        return base.bindMemory(to: Float.self, capacity: count)
    }

    /// How large a window may be. Shared memory is a file under /dev/shm, and writing past that file system's
    /// size would end the process without a word.
    static var freeBytes: Int {
        var status = statvfs()
        guard statvfs("/dev/shm", &status) == 0 else { return 0 }
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { return 0 }
        return min(Int(status.f_bavail) * Int(status.f_frsize), Int(clamping: limit.rlim_cur))
    }
}
