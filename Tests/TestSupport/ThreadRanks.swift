import Distributed
import Foundation
import Kernels

/// Runs `body` as each of `size` ranks, every one on a thread of this process, and returns what they returned in
/// order of rank. As under `mpirun`, ranks must make the same exchanges in the same order; where they do not,
/// all throw `ExchangeError` rather than wait for ever.
///
/// - hosts: the host of each rank, by any number; ranks of one host have memory in common once they form groups.
///   Each by itself where there is none.
package func onRanks<Value: Sendable>(
    _ size: Int, hosts: [Int]? = nil, _ body: @escaping @Sendable (any Communicator) throws -> Value
) -> [Result<Value, any Error>] {
    useSingleThreadedBLAS()
    let exchange = Exchange(size: size, hosts: hosts ?? Array(0..<size))
    let outcomes = Outcomes<Value>(size: size)
    let group = DispatchGroup()
    for rank in 0..<size {
        group.enter()
        let thread = Thread {
            let outcome = Result { try body(ThreadRank(rank: rank, exchange: exchange)) }
            outcomes.set(rank, outcome)
            if case .failure = outcome { exchange.fail() }
            exchange.leave()
            group.leave()
        }
        thread.stackSize = 8 << 20
        thread.start()
    }
    group.wait()
    return outcomes.all
}

/// What every rank returned, where none may fail.
package func valuesOnRanks<Value: Sendable>(
    _ size: Int, hosts: [Int]? = nil, _ body: @escaping @Sendable (any Communicator) throws -> Value
) throws -> [Value] {
    try onRanks(size, hosts: hosts, body).map { try $0.get() }
}

package enum ExchangeError: Error, Equatable {
    /// Ranks met in different exchanges.
    case mismatch([String])
    /// A rank had ended while others waited for it.
    case rankLeft(during: String)
}

/// One rank of `onRanks`.
private final class ThreadRank: Communicator {
    let rank: Int
    private let exchange: Exchange

    private(set) var groups: RankGroups
    let allowsOtherThreads = true
    /// Buffers made so far, the same on every rank.
    private var buffersMade = 0
    private var partsMade = 0

    init(rank: Int, exchange: Exchange) {
        self.rank = rank
        self.exchange = exchange
        groups = RankGroups(separate: exchange.size)
    }

    var place = ""
    var size: Int { exchange.size }
    func host(of rank: Int) -> String { "host\(exchange.hosts[rank])" }
    private var host: [Int] { exchange.hosts.indices.filter { exchange.hosts[$0] == exchange.hosts[rank] } }
    var ranksOnHost: Int { host.count }
    var rankOnHost: Int { host.firstIndex(of: rank) ?? 0 }

    func split(by label: Int) throws -> any Communicator {
        let labels = try allGather(withUnsafeBytes(of: label) { Array($0) })
        let members = labels.indices.filter { labels[$0] == labels[rank] }
        partsMade += 1
        let part = exchange.part(
            Exchange.BufferName(number: partsMade, owner: members[0]),
            hosts: members.map { exchange.hosts[$0] })
        return ThreadRank(rank: members.firstIndex(of: rank) ?? 0, exchange: part)
    }

    func sum(_ values: inout [Double]) throws {
        try values.withUnsafeMutableBufferPointer { try sum(into: $0, "sum of \($0.count) doubles") }
    }

    /// In order of rank, so the same bits everywhere.
    private func sum<Number: FloatingPoint>(
        into values: UnsafeMutableBufferPointer<Number>, _ operation: String
    ) throws {
        let parts = try exchange.swap(Array(UnsafeRawBufferPointer(values)), rank: rank, operation)
        values.update(repeating: 0)
        for part in parts {
            part.withUnsafeBytes { raw in
                for index in values.indices {
                    values[index] += raw.loadUnaligned(
                        fromByteOffset: index * MemoryLayout<Number>.stride, as: Number.self)
                }
            }
        }
    }

    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws {
        let own = rank == root ? Array(bytes) : []
        let parts = try exchange.swap(own, rank: rank, "broadcast of \(bytes.count) bytes from \(root)")
        bytes.copyBytes(from: parts[root])
    }

    func gather(_ bytes: [UInt8]) throws -> [[UInt8]]? {
        let parts = try exchange.swap(bytes, rank: rank, "gather")
        return isRoot ? parts : nil
    }

    func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        try exchange.swap(bytes, rank: rank, "allGather")
    }

    func formGroups(shared: Int, each: Int) { groups = RankGroups(groupOfRank: exchange.hosts) }
    func ranksSharing(shared: Int, each: Int) -> Int { ranksOnHost }

    func makeShared(count: Int) throws -> FloatBuffer {
        buffersMade += 1
        let first = groups.members(with: rank)[0]
        return exchange.buffer(Exchange.BufferName(number: buffersMade, owner: first), count: count)
    }

    func makeGroupBuffers(count: Int) throws -> GroupBuffers {
        buffersMade += 1
        let buffers = groups.members(with: rank).map {
            exchange.buffer(Exchange.BufferName(number: buffersMade, owner: $0), count: count)
        }
        return GroupBuffers(own: buffers[groups.member(rank)], all: buffers.map(\.pointer))
    }

    func meet() throws { _ = try exchange.swap([], rank: rank, "meet") }

    func spreadFromRoot(_ buffer: FloatBuffer) throws {
        let bytes = UnsafeMutableRawBufferPointer(buffer.buffer)
        let own = rank == 0 ? Array(bytes) : []
        let parts = try exchange.swap(own, rank: rank, "spread of \(bytes.count) bytes")
        if groups.member(rank) == 0, rank != 0 { bytes.copyBytes(from: parts[0]) }
        try meet()
    }

    func startSending(_ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int) -> any Transfer {
        exchange.post(Array(bytes), MessageName(from: rank, to: peer, tag: tag))
        return ThreadTransfer { true }
    }

    func startReceiving(_ bytes: UnsafeMutableRawBufferPointer, from peer: Int, tag: Int) -> any Transfer {
        let name = MessageName(from: peer, to: rank, tag: tag)
        // Messages go to those who asked for them in the order of asking, not of looking.
        let place = exchange.placeInQueue(name)
        return ThreadTransfer { [exchange] in
            guard let message = exchange.take(name, place) else { return false }
            precondition(message.count == bytes.count, "a message of another length was expected")
            bytes.copyBytes(from: message)
            return true
        }
    }

    func wait(for activity: String, until condition: () throws -> Bool) throws {
        while try !condition() {
            guard !exchange.someoneLeft else { throw ExchangeError.rankLeft(during: activity) }
            sched_yield()
        }
    }

    func abort(code: Int32) {}
    func finalize() {}
}

private struct MessageName: Hashable {
    let from: Int
    let to: Int
    let tag: Int
}

/// Asks until it is told that the message has come, and then no more.
private final class ThreadTransfer: Transfer {
    private var ask: (() -> Bool)?

    init(_ ask: @escaping () -> Bool) { self.ask = ask }

    func isComplete() -> Bool {
        if let ask, ask() { self.ask = nil }
        return ask == nil
    }
}

/// Where the ranks meet.
private final class Exchange: @unchecked Sendable {
    let size: Int
    private let condition = NSCondition()
    private var contributions: [[UInt8]]
    private var operations: [String]
    private var arrived = 0
    private var left = 0
    private var hasFailure = false
    private var generation = 0
    private var outcome: Result<[[UInt8]], ExchangeError> = .success([])

    /// The host of each rank.
    let hosts: [Int]
    private var buffers: [BufferName: FloatBuffer] = [:]
    private var parts: [BufferName: Exchange] = [:]
    private var messages: [MessageName: [Int: [UInt8]]] = [:]
    private var posted: [MessageName: Int] = [:]
    private var awaited: [MessageName: Int] = [:]

    struct BufferName: Hashable {
        let number: Int
        let owner: Int
    }

    init(size: Int, hosts: [Int]) {
        self.size = size
        self.hosts = hosts
        contributions = Array(repeating: [], count: size)
        operations = Array(repeating: "", count: size)
    }

    /// The same zeros for all who ask by that name.
    func buffer(_ name: BufferName, count: Int) -> FloatBuffer {
        condition.withLock {
            let buffer = buffers[name] ?? FloatBuffer(count: count)
            buffers[name] = buffer
            return buffer
        }
    }

    /// The same ranks for all who ask by that name.
    func part(_ name: BufferName, hosts: [Int]) -> Exchange {
        condition.withLock {
            let part = parts[name] ?? Exchange(size: hosts.count, hosts: hosts)
            parts[name] = part
            return part
        }
    }

    func post(_ message: [UInt8], _ name: MessageName) {
        condition.withLock {
            messages[name, default: [:]][posted[name, default: 0]] = message
            posted[name, default: 0] += 1
        }
    }

    func placeInQueue(_ name: MessageName) -> Int {
        condition.withLock {
            defer { awaited[name, default: 0] += 1 }
            return awaited[name, default: 0]
        }
    }

    func take(_ name: MessageName, _ place: Int) -> [UInt8]? {
        condition.withLock { messages[name]?.removeValue(forKey: place) }
    }

    /// Whether a rank has failed; one that is done sent all it had to.
    var someoneLeft: Bool { condition.withLock { hasFailure } }

    /// Waits for all ranks and returns the bytes of each.
    func swap(_ bytes: [UInt8], rank: Int, _ operation: String) throws -> [[UInt8]] {
        condition.lock()
        defer { condition.unlock() }
        guard left == 0 else { throw ExchangeError.rankLeft(during: operation) }
        contributions[rank] = bytes
        operations[rank] = operation
        arrived += 1
        let own = generation
        if arrived == size {
            complete(Set(operations).count == 1 ? .success(contributions) : .failure(.mismatch(operations)))
        }
        while generation == own { condition.wait() }
        return try outcome.get()
    }

    /// A rank sends nothing more that others wait for.
    func fail() { condition.withLock { hasFailure = true } }

    /// A rank makes no more exchanges.
    func leave() {
        condition.lock()
        defer { condition.unlock() }
        left += 1
        if arrived > 0 { complete(.failure(.rankLeft(during: operations.joined(separator: ", ")))) }
    }

    private func complete(_ outcome: Result<[[UInt8]], ExchangeError>) {
        self.outcome = outcome
        arrived = 0
        generation += 1
        condition.broadcast()
    }
}

private final class Outcomes<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var results: [Result<Value, any Error>?]

    init(size: Int) { results = Array(repeating: nil, count: size) }

    func set(_ rank: Int, _ result: Result<Value, any Error>) { lock.withLock { results[rank] = result } }

    var all: [Result<Value, any Error>] { lock.withLock { results.compactMap { $0 } } }
}
