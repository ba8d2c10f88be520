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
    /// The first ranks of all groups; null on the others.
    private var leaders = dure_mpi_comm_world()
    /// For messages, so that they cannot be taken for parts of other exchanges.
    private var messages = dure_mpi_comm_null()
    package private(set) var groups: RankGroups
    package let allowsOtherThreads: Bool
    private var windows: [SharedWindow] = []

    /// Initialises MPI. Call at most once in a process.
    package init() throws {
        var provided: Int32 = 0
        // Before initialisation has succeeded there is no rank to name.
        try check(MPI_Init_thread(nil, nil, Int32(MPI_THREAD_SERIALIZED), &provided), "MPI_Init_thread", 0)
        let world = dure_mpi_comm_world()
        MPI_Comm_set_errhandler(world, dure_mpi_errors_return())
        let rank = try Self.query(world, "MPI_Comm_rank", MPI_Comm_rank)
        self.rank = rank
        let size = try Self.query(world, "MPI_Comm_size", MPI_Comm_size)
        self.size = size
        groups = RankGroups(separate: size)
        allowsOtherThreads = provided >= Int32(MPI_THREAD_SERIALIZED)
        var host = dure_mpi_comm_null()
        try check(
            MPI_Comm_split_type(
                world, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), dure_mpi_info_null(), &host),
            "MPI_Comm_split_type", rank)
        ranksOnHost = try Self.query(host, "MPI_Comm_size", MPI_Comm_size)
        rankOnHost = try Self.query(host, "MPI_Comm_rank", MPI_Comm_rank)
        self.host = host
        try check(MPI_Comm_dup(world, &messages), "MPI_Comm_dup", rank)
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
        try broadcast(bytes, from: root, over: world)
    }

    private func broadcast(
        _ bytes: UnsafeMutableRawBufferPointer, from root: Int, over ranks: MPI_Comm?
    ) throws {
        try inChunks(of: bytes.count) { chunk in
            guard let base = bytes.baseAddress else { return }
            try check(
                MPI_Bcast(
                    base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(root), ranks),
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
        for window in windows { window.free() }
        MPI_Finalize()
    }
}

// MARK: Messages

extension MPICommunicator {
    package func startSending(
        _ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int
    ) throws -> any Transfer {
        let transfer = MPITransfer(rank)
        try inChunks(of: bytes.count) { chunk in
            guard let base = bytes.baseAddress else { return }
            try transfer.add("MPI_Isend") { request in
                MPI_Isend(
                    base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(peer), Int32(tag),
                    messages, &request)
            }
        }
        return transfer
    }

    package func startReceiving(
        _ bytes: UnsafeMutableRawBufferPointer, from peer: Int, tag: Int
    ) throws -> any Transfer {
        let transfer = MPITransfer(rank)
        try inChunks(of: bytes.count) { chunk in
            guard let base = bytes.baseAddress else { return }
            try transfer.add("MPI_Irecv") { request in
                MPI_Irecv(
                    base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(peer), Int32(tag),
                    messages, &request)
            }
        }
        return transfer
    }

    package func wait(for activity: String, until condition: () throws -> Bool) throws {
        while try !condition() { sched_yield() }
    }
}

/// The requests of one message, one for each of its chunks.
private final class MPITransfer: Transfer {
    private var requests: [MPI_Request?] = []
    private let rank: Int

    init(_ rank: Int) { self.rank = rank }

    func add(_ call: String, _ start: (inout MPI_Request?) -> Int32) throws {
        var request: MPI_Request?
        try check(start(&request), call, rank)
        requests.append(request)
    }

    func isComplete() throws -> Bool {
        while var request = requests.last {
            var isDone: Int32 = 0
            try check(MPI_Test(&request, &isDone, dure_mpi_status_ignore()), "MPI_Test", rank)
            guard isDone != 0 else { return false }
            requests.removeLast()
        }
        return true
    }
}

// MARK: Memory in common

extension MPICommunicator {
    package func formGroups(shared: Int, each: Int) throws {
        guard try minimum(ranksSharing(shared: shared, each: each) == ranksOnHost ? 1 : 0) == 1 else {
            return
        }
        var first = Int32(rank)
        try check(MPI_Bcast(&first, 1, dure_mpi_int32(), 0, host), "MPI_Bcast", rank)
        var firsts = [Int32](repeating: 0, count: size)
        try check(
            MPI_Allgather(&first, 1, dure_mpi_int32(), &firsts, 1, dure_mpi_int32(), world), "MPI_Allgather",
            rank)
        groups = RankGroups(groupOfRank: firsts.map(Int.init))
        let color = groups.member(rank) == 0 ? 0 : Int32(MPI_UNDEFINED)
        try check(MPI_Comm_split(world, color, Int32(rank), &leaders), "MPI_Comm_split", rank)
    }

    package func ranksSharing(shared: Int, each: Int) -> Int {
        let floats = Double(shared) + Double(each) * Double(ranksOnHost)
        return floats * Double(MemoryLayout<Float>.stride) < Double(SharedWindow.freeBytes) ? ranksOnHost : 1
    }

    private var sharesMemory: Bool { groups.members(with: rank).count > 1 }

    package func makeShared(count: Int) throws -> FloatBuffer {
        guard sharesMemory, count > 0 else { return FloatBuffer(count: count) }
        let window = try makeWindow(count: count, .one)
        return FloatBuffer(window.own, count: count, release: {})
    }

    package func makeGroupBuffers(count: Int) throws -> GroupBuffers {
        guard sharesMemory, count > 0 else { return GroupBuffers(count: count) }
        let window = try makeWindow(count: count, .each)
        return GroupBuffers(
            own: FloatBuffer(window.own, count: count, release: {}), all: window.buffers)
    }

    /// It goes when MPI is finalised: freeing it is a call that all ranks must make together.
    private func makeWindow(count: Int, _ copies: SharedWindow.Copies) throws -> SharedWindow {
        let window = try SharedWindow(count: count, copies, host: host, rank: rankOnHost, size: ranksOnHost)
        windows.append(window)
        return window
    }

    package func meet() throws {
        guard sharesMemory, let window = windows.last else { return }
        try window.meet()
    }

    package func spreadFromRoot(_ buffer: FloatBuffer) throws {
        if groups.groups.count > 1, groups.member(rank) == 0 {
            try broadcast(UnsafeMutableRawBufferPointer(buffer.buffer), from: 0, over: leaders)
        }
        try meet()
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
