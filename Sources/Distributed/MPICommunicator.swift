import CMPI
import Foundation
import Kernels

/// The ranks that `mpirun` or `srun` started. Only this target calls MPI, and only from one thread at a time.
///
/// Whatever waits for other ranks asks again and again, so that it can give up: a rank may have hung or a network
/// gone, of which MPI says nothing.
package final class MPICommunicator: Communicator {
    package let rank: Int
    package let size: Int
    package let ranksOnHost: Int
    package let rankOnHost: Int
    package var place = MPICommunicator.start
    /// The place before there is another: where ranks that do not find each other stand.
    private static let start = "start"
    /// All ranks of this run, or of the part of it.
    private let world: MPI_Comm?
    /// The ranks of this host.
    private let host: MPI_Comm?
    /// The first ranks of all groups; null on the others.
    private var leaders: MPI_Comm?
    /// For messages, so that they cannot be taken for parts of other exchanges.
    private let messages: MPI_Comm?
    private let rollCall: RollCall
    private let timeout: Double
    /// Whether this is part of a run, which MPI outlives.
    private let isPart: Bool
    private var hosts: [String] = []
    package private(set) var groups: RankGroups
    package let allowsOtherThreads: Bool
    private var windows: [SharedWindow] = []

    /// Seconds that ranks have to answer a roll call, at most.
    private static let answerSeconds = 3.0

    /// Initialises MPI. Call at most once in a process.
    ///
    /// - timeout: seconds that an exchange may take, waiting for the slowest rank included.
    package convenience init(timeout: Double) throws {
        // Over one connection, what Open MPI sends one way keeps what comes the other way waiting: exchanges, which go
        // both ways at once, took 1.4 times as long. The user's own choice stands.
        setenv("OMPI_MCA_btl_tcp_links", "2", 0)
        var provided: Int32 = 0
        // Before initialisation has succeeded there is no rank to name.
        try Self.within(timeout, "MPI_Init_thread") {
            try check(
                MPI_Init_thread(nil, nil, Int32(MPI_THREAD_SERIALIZED), &provided), "MPI_Init_thread", 0)
        }
        let world = dure_mpi_comm_world()
        MPI_Comm_set_errhandler(world, dure_mpi_errors_return())
        try self.init(
            world, isPart: false, allowsOtherThreads: provided >= Int32(MPI_THREAD_SERIALIZED), timeout)
    }

    /// The ranks of an MPI communicator. All of them must call this.
    private init(
        _ world: MPI_Comm?, isPart: Bool, allowsOtherThreads: Bool, _ timeout: Double
    ) throws {
        self.world = world
        leaders = world
        self.isPart = isPart
        self.allowsOtherThreads = allowsOtherThreads
        self.timeout = timeout
        let rank = try Self.query(world, "MPI_Comm_rank", MPI_Comm_rank)
        self.rank = rank
        let size = try Self.query(world, "MPI_Comm_size", MPI_Comm_size)
        self.size = size
        groups = RankGroups(separate: size)
        var host = dure_mpi_comm_null()
        var calls = dure_mpi_comm_null()
        var messages = dure_mpi_comm_null()
        try Self.within(timeout, "MPI_Comm_split_type") {
            try check(
                MPI_Comm_split_type(
                    world, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), dure_mpi_info_null(), &host),
                "MPI_Comm_split_type", rank)
            try check(MPI_Comm_dup(world, &messages), "MPI_Comm_dup", rank)
            try check(MPI_Comm_dup(world, &calls), "MPI_Comm_dup", rank)
        }
        ranksOnHost = try Self.query(host, "MPI_Comm_size", MPI_Comm_size)
        rankOnHost = try Self.query(host, "MPI_Comm_rank", MPI_Comm_rank)
        self.host = host
        self.messages = messages
        rollCall = RollCall(calls, rank: rank, size: size)
        hosts = try allGather(Array(hostName().utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    package func split(by label: Int) throws -> any Communicator {
        var part = dure_mpi_comm_null()
        try within("MPI_Comm_split") {
            try check(MPI_Comm_split(world, Int32(label), Int32(rank), &part), "MPI_Comm_split", rank)
        }
        let communicator = try MPICommunicator(
            part, isPart: true, allowsOtherThreads: allowsOtherThreads, timeout)
        communicator.place = place
        return communicator
    }

    package func host(of rank: Int) -> String { hosts[rank] }

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
            try complete("MPI_Iallreduce", "sum over ranks") { request in
                MPI_Iallreduce(
                    dure_mpi_in_place(), buffer.baseAddress, count, dure_mpi_double(), dure_mpi_sum(), world,
                    &request)
            }
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
            try complete("MPI_Ibcast", "what rank \(root) gives to all") { request in
                MPI_Ibcast(
                    base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(root), ranks,
                    &request)
            }
        }
    }

    package func gather(_ bytes: [UInt8]) throws -> [[UInt8]]? {
        let lengths = try allLengths(bytes.count)
        let activity = "gathering of results"
        guard rank == 0 else {
            try bytes.withUnsafeBytes { buffer in
                try finish([startSending(buffer, to: 0, tag: Self.gatherTag, over: world)], activity)
            }
            return nil
        }
        // One message a rank rather than MPI_Igatherv, whose offsets are 32 bits wide.
        return try (0..<size).map { peer in
            guard peer != 0 else { return bytes }
            var part = [UInt8](repeating: 0, count: lengths[peer])
            try part.withUnsafeMutableBytes { buffer in
                try finish([startReceiving(buffer, from: peer, tag: Self.gatherTag, over: world)], activity)
            }
            return part
        }
    }

    package func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        let lengths = try allLengths(bytes.count)
        return try (0..<size).map { peer in
            var part = peer == rank ? bytes : [UInt8](repeating: 0, count: lengths[peer])
            try part.withUnsafeMutableBytes { try broadcast($0, from: peer) }
            return part
        }
    }

    package func abort(code: Int32) {
        guard size > 1 else { return }
        // With the network gone, the call would wait for those that it cannot reach.
        Thread.detachNewThread {
            sleep(Self.abortSeconds)
            _exit(code)
        }
        MPI_Abort(dure_mpi_comm_world(), code)
        _exit(code)
    }

    private static let abortSeconds: UInt32 = 5

    package func finalize() {
        Deadline.within(
            timeout,
            orSay: DistributedError.timedOut(
                activity: "MPI_Finalize", place: place, seconds: timeout, missing: []
            ).description
        ) {
            // In the order of their making, which is that of all ranks.
            for window in windows { window.free() }
            windows = []
            if !isPart { MPI_Finalize() }
        }
    }
}

// MARK: Waiting

extension MPICommunicator {
    package func wait(for activity: String, until condition: () throws -> Bool) throws {
        var patience = Patience(limit: timeout)
        while try !condition() {
            if patience.isTimeToLookAround { rollCall.answerOthers() }
            if patience.isExhaustedAfterPause() { throw giveUp(activity) }
        }
    }

    /// Why this rank waits no longer.
    private func giveUp(_ activity: String) -> DistributedError {
        let (missing, isSpeaker) = rollCall.missing(within: min(timeout, Self.answerSeconds))
        guard isSpeaker else { return .toldByOther }
        return .timedOut(
            activity: activity, place: place, seconds: timeout,
            missing: missing.map { RankName(rank: $0, host: host(of: $0)) },
            remedy: place == Self.start ? NetworkInterfaces.remedy() : nil)
    }

    /// Begins an exchange of ranks and waits for its end.
    private func complete(
        _ call: String, _ activity: String, _ start: (inout MPI_Request?) -> Int32
    ) throws {
        var request: MPI_Request?
        try check(start(&request), call, rank)
        try wait(for: activity) {
            var isDone: Int32 = 0
            try check(MPI_Test(&request, &isDone, dure_mpi_status_ignore()), call, rank)
            return isDone != 0
        }
    }

    private func finish(_ transfers: [any Transfer], _ activity: String) throws {
        try wait(for: activity) { try transfers.allSatisfy { try $0.isComplete() } }
    }

    /// A call of all ranks that returns when it is done.
    private func within<Success>(_ call: String, _ body: () throws -> Success) throws -> Success {
        try Self.within(timeout, call, rank: rank, place: place, body)
    }

    private static func within<Success>(
        _ timeout: Double, _ call: String, rank: Int? = nil, place: String = start,
        _ body: () throws -> Success
    ) rethrows -> Success {
        try Deadline.within(
            timeout,
            orSay: "\(rank.map { "rank \($0)" } ?? "a rank") on host \(hostName()) has waited for others for "
                + "\(timeout) s (\(call), \(place)): check whether the processes, hosts and network are alive, "
                + "or raise --collective-timeout" + (place == start ? "; \(NetworkInterfaces.remedy())" : ""),
            body)
    }
}

// MARK: Messages

extension MPICommunicator {
    package func startSending(
        _ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int
    ) throws -> any Transfer { try startSending(bytes, to: peer, tag: tag, over: messages) }

    package func startReceiving(
        _ bytes: UnsafeMutableRawBufferPointer, from peer: Int, tag: Int
    ) throws -> any Transfer { try startReceiving(bytes, from: peer, tag: tag, over: messages) }

    private func startSending(
        _ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int, over ranks: MPI_Comm?
    ) throws -> any Transfer {
        let transfer = MPITransfer(rank)
        try inChunks(of: bytes.count) { chunk in
            guard let base = bytes.baseAddress else { return }
            try transfer.add("MPI_Isend") { request in
                MPI_Isend(
                    base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(peer), Int32(tag),
                    ranks, &request)
            }
        }
        return transfer
    }

    private func startReceiving(
        _ bytes: UnsafeMutableRawBufferPointer, from peer: Int, tag: Int, over ranks: MPI_Comm?
    ) throws -> any Transfer {
        let transfer = MPITransfer(rank)
        try inChunks(of: bytes.count) { chunk in
            guard let base = bytes.baseAddress else { return }
            try transfer.add("MPI_Irecv") { request in
                MPI_Irecv(
                    base + chunk.lowerBound, Int32(chunk.count), dure_mpi_byte(), Int32(peer), Int32(tag),
                    ranks, &request)
            }
        }
        return transfer
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
        var first = Int64(rank)
        try withUnsafeMutableBytes(of: &first) { try broadcast($0, from: 0, over: host) }
        groups = RankGroups(groupOfRank: try allLengths(Int(first)))
        let color = groups.member(rank) == 0 ? 0 : Int32(MPI_UNDEFINED)
        try within("MPI_Comm_split") {
            try check(MPI_Comm_split(world, color, Int32(rank), &leaders), "MPI_Comm_split", rank)
        }
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
        let window = try within("MPI_Win_allocate_shared") {
            try SharedWindow(count: count, copies, host: host, rank: rankOnHost, size: ranksOnHost)
        }
        windows.append(window)
        try meet()
        return window
    }

    package func meet() throws {
        guard sharesMemory, let window = windows.last else { return }
        try window.synchronize()
        try complete("MPI_Ibarrier", "meeting of the ranks of host \(host(of: rank))") { request in
            MPI_Ibarrier(host, &request)
        }
        try window.synchronize()
    }

    package func spreadFromRoot(_ buffer: FloatBuffer) throws {
        if groups.groups.count > 1, groups.member(rank) == 0 {
            try broadcast(UnsafeMutableRawBufferPointer(buffer.buffer), from: 0, over: leaders)
        }
        try meet()
    }
}

extension MPICommunicator {
    private static let gatherTag = 1

    private static func query(
        _ communicator: MPI_Comm?, _ call: String,
        _ function: (MPI_Comm?, UnsafeMutablePointer<Int32>?) -> Int32
    ) throws -> Int {
        var value: Int32 = 0
        try check(function(communicator, &value), call, 0)
        return Int(value)
    }

    /// A number of every rank, in order of rank.
    private func allLengths(_ own: Int) throws -> [Int] {
        var length = Int64(own)
        var lengths = [Int64](repeating: 0, count: size)
        try withUnsafeMutablePointer(to: &length) { length in
            try lengths.withUnsafeMutableBufferPointer { lengths in
                try complete("MPI_Iallgather", "exchange of all ranks") { request in
                    MPI_Iallgather(
                        length, 1, dure_mpi_int64(), lengths.baseAddress, 1, dure_mpi_int64(), world,
                        &request)
                }
            }
        }
        return lengths.map(Int.init)
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
