import CMPI
import Foundation
import Kernels

/// The ranks that `mpirun` or `srun` started. Only this file calls MPI, and only from one thread at a time.
package final class MPICommunicator: Communicator {
    package let rank: Int
    package let size: Int
    package let ranksOnHost: Int
    package let rankOnHost: Int
    private let world = dure_mpi_comm_world()
    /// The ranks of this host.
    private let host: MPI_Comm?
    /// Memory shared with them, by where it begins here.
    private var windows: [UnsafeMutablePointer<Float>: SharedWindow] = [:]
    /// The last buffer that was made for all to share.
    private var shared: SharedWindow?
    private var made: [SharedWindow] = []

    /// Initialises MPI. Call at most once in a process.
    package init() throws {
        var provided: Int32 = 0
        // Before initialisation has succeeded there is no rank to name.
        try check(MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &provided), "MPI_Init_thread", 0)
        let world = dure_mpi_comm_world()
        MPI_Comm_set_errhandler(world, dure_mpi_errors_return())
        let rank = try Self.query(world, "MPI_Comm_rank", MPI_Comm_rank)
        self.rank = rank
        size = try Self.query(world, "MPI_Comm_size", MPI_Comm_size)
        var host = dure_mpi_comm_null()
        try check(
            MPI_Comm_split_type(
                world, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), dure_mpi_info_null(), &host),
            "MPI_Comm_split_type", rank)
        ranksOnHost = try Self.query(host, "MPI_Comm_size", MPI_Comm_size)
        rankOnHost = try Self.query(host, "MPI_Comm_rank", MPI_Comm_rank)
        self.host = host
    }

    /// Whether a launcher started this process as one rank of several (or of one) and MPI should be used.
    package static func isLaunched(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Bool {
        ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"].contains { environment[$0] != nil }
    }

    /// The MPI library's own description of itself, first line.
    package static var libraryVersion: String {
        var buffer = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
        var length: Int32 = 0
        guard MPI_Get_library_version(&buffer, &length) == MPI_SUCCESS else { return "unknown" }
        let bytes = buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self).split(separator: ",").first.map(String.init)
            ?? "unknown"
    }

    /// Memory of a window where all ranks are on one host, so that a sum reads and writes it in place instead
    /// of sending messages; ordinary memory elsewhere, or when there is no room for a window.
    package func makeSummable(count: Int) throws -> FloatBuffer {
        guard size > 1, ranksOnHost == size, count > 0,
            let window = try SharedWindow(
                count: count, .each, host: host, rank: rankOnHost, size: ranksOnHost)
        else { return FloatBuffer(count: count) }
        windows[window.own] = window
        made.append(window)
        // The window goes when MPI is finalised: freeing it is a call that all ranks must make together.
        return FloatBuffer(window.own, count: count, release: {})
    }

    package func makeShared(count: Int) throws -> FloatBuffer? {
        guard size > 1, ranksOnHost == size, count > 0,
            let window = try SharedWindow(
                count: count, .one, host: host, rank: rankOnHost, size: ranksOnHost)
        else { return nil }
        shared = window
        made.append(window)
        return FloatBuffer(window.own, count: count, release: {})
    }

    package func ranksSharing(count: Int, summable: Int) -> Int {
        let floats = Double(count) + Double(summable) * Double(size)
        let fits = floats * Double(MemoryLayout<Float>.stride) < Double(SharedWindow.freeBytes)
        return ranksOnHost == size && fits ? size : 1
    }

    package func meet() throws { try shared?.meet() }

    package func sum(_ values: UnsafeMutableBufferPointer<Float>, over ranges: [Range<Int>]) throws {
        if let base = values.baseAddress, let window = windows[base], window.count == values.count {
            return try window.sum(over: ranges)
        }
        // Few long messages are faster than many short ones, and the zeros between change nothing.
        guard let first = ranges.first?.lowerBound, let last = ranges.last?.upperBound,
            let base = values.baseAddress
        else { return }
        try inChunks(of: last - first) { chunk in
            try check(
                MPI_Allreduce(
                    dure_mpi_in_place(), base + first + chunk.lowerBound, Int32(chunk.count),
                    dure_mpi_float(), dure_mpi_sum(), world), "MPI_Allreduce", rank)
        }
    }

    package func sum(_ values: inout [Double]) throws {
        let count = Int32(values.count)
        try values.withUnsafeMutableBufferPointer { buffer in
            try check(
                MPI_Allreduce(
                    dure_mpi_in_place(), buffer.baseAddress, count, dure_mpi_double(), dure_mpi_sum(), world),
                "MPI_Allreduce", rank)
        }
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
        try inChunks(of: bytes.count) { chunk in
            guard let base = bytes.baseAddress else { return }
            try check(
                MPI_Bcast(
                    base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(root), world),
                "MPI_Bcast", rank)
        }
    }

    package func gather(_ bytes: [UInt8]) throws -> [[UInt8]]? {
        let lengths = try allLengths(bytes.count)
        guard rank == 0 else {
            try send(bytes)
            return nil
        }
        // One message a rank rather than MPI_Gatherv, whose offsets are 32 bits wide.
        var parts = [bytes]
        for peer in 1..<max(size, 1) { parts.append(try receive(lengths[peer], from: peer)) }
        return parts
    }

    package func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        let lengths = try allLengths(bytes.count)
        return try (0..<size).map { peer in
            var part = peer == rank ? bytes : [UInt8](repeating: 0, count: lengths[peer])
            try part.withUnsafeMutableBytes { try broadcast($0, from: peer) }
            return part
        }
    }

    package func abort(code: Int32) { MPI_Abort(world, code) }

    package func finalize() {
        // In the order of their making, which is that of all ranks.
        for window in made { window.free() }
        MPI_Finalize()
    }
}

extension MPICommunicator {
    private static let messageTag: Int32 = 1

    private static func query(
        _ communicator: MPI_Comm?, _ call: String,
        _ function: (MPI_Comm?, UnsafeMutablePointer<Int32>?) -> Int32
    ) throws -> Int {
        var value: Int32 = 0
        try check(function(communicator, &value), call, 0)
        return Int(value)
    }

    private func allLengths(_ own: Int) throws -> [Int] {
        var length = Int64(own)
        var lengths = [Int64](repeating: 0, count: size)
        try check(
            MPI_Allgather(&length, 1, dure_mpi_int64(), &lengths, 1, dure_mpi_int64(), world),
            "MPI_Allgather", rank)
        return lengths.map(Int.init)
    }

    private func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            try inChunks(of: buffer.count) { chunk in
                guard let base = buffer.baseAddress else { return }
                try check(
                    MPI_Send(
                        base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), 0, Self.messageTag,
                        world), "MPI_Send", rank)
            }
        }
    }

    private func receive(_ count: Int, from peer: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { buffer in
            try inChunks(of: count) { chunk in
                guard let base = buffer.baseAddress else { return }
                try check(
                    MPI_Recv(
                        base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(peer),
                        Self.messageTag, world, dure_mpi_status_ignore()), "MPI_Recv", rank)
            }
        }
        return bytes
    }
}

/// MPI counts are 32 bits wide; larger buffers go in pieces.
private func inChunks(of count: Int, _ body: (Range<Int>) throws -> Void) rethrows {
    let limit = 1 << 30
    var start = 0
    while start < count {
        let end = min(start + limit, count)
        try body(start..<end)
        start = end
    }
}

func check(_ code: Int32, _ call: String, _ rank: Int) throws {
    guard code != MPI_SUCCESS else { return }
    var buffer = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING))
    var length: Int32 = 0
    var message = "MPI error \(code)"
    if MPI_Error_string(code, &buffer, &length) == MPI_SUCCESS {
        let bytes = buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }
        message = String(decoding: bytes, as: UTF8.self)
    }
    throw DistributedError.mpi(call: call, message: message, rank: rank)
}
