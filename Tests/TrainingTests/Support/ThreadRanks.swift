import Distributed
import Foundation
import Kernels

/// Runs `body` as each of `size` ranks, every one on a thread of this process, and returns what they returned in
/// order of rank. As under `mpirun`, ranks must make the same exchanges in the same order; where they do not,
/// all throw `ExchangeError` rather than wait for ever.
///
/// - sharedBuffers: how many buffers there is room for in memory that all ranks share.
func onRanks<Value: Sendable>(
    _ size: Int, sharedBuffers: Int = 0, _ body: @escaping @Sendable (any Communicator) throws -> Value
) -> [Result<Value, any Error>] {
    useSingleThreadedBLAS()
    let exchange = Exchange(size: size, sharedBuffers: sharedBuffers)
    let outcomes = Outcomes<Value>(size: size)
    let group = DispatchGroup()
    for rank in 0..<size {
        group.enter()
        let thread = Thread {
            outcomes.set(rank, Result { try body(ThreadRank(rank: rank, exchange: exchange)) })
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
func valuesOnRanks<Value: Sendable>(
    _ size: Int, sharedBuffers: Int = 0, _ body: @escaping @Sendable (any Communicator) throws -> Value
) throws -> [Value] {
    try onRanks(size, sharedBuffers: sharedBuffers, body).map { try $0.get() }
}

enum ExchangeError: Error, Equatable {
    /// Ranks met in different exchanges.
    case mismatch([String])
    /// A rank had ended while others waited for it.
    case rankLeft(during: String)
}

/// One rank of `onRanks`.
private final class ThreadRank: Communicator {
    let rank: Int
    private let exchange: Exchange

    init(rank: Int, exchange: Exchange) {
        self.rank = rank
        self.exchange = exchange
    }

    var size: Int { exchange.size }
    var ranksOnHost: Int { size }
    var rankOnHost: Int { rank }

    func sum(_ values: UnsafeMutableBufferPointer<Float>, over ranges: [Range<Int>]) throws {
        try sum(into: values, "sum of \(values.count) floats")
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

    func makeShared(count: Int) throws -> FloatBuffer? {
        var address = isRoot ? exchange.makeShared(count: count) : 0
        try withUnsafeMutableBytes(of: &address) { try broadcast($0, from: 0) }
        return UnsafeMutablePointer(bitPattern: address).map { FloatBuffer($0, count: count, release: {}) }
    }

    func meet() throws { _ = try exchange.swap([], rank: rank, "meet") }

    func abort(code: Int32) {}
    func finalize() {}
}

/// Where the ranks meet.
private final class Exchange: @unchecked Sendable {
    let size: Int
    private let condition = NSCondition()
    private var parts: [[UInt8]]
    private var operations: [String]
    private var arrived = 0
    private var left = 0
    private var generation = 0
    private var outcome: Result<[[UInt8]], ExchangeError> = .success([])

    /// Only the first rank touches these.
    private var sharedBuffersLeft: Int
    private var sharedBuffers: [FloatBuffer] = []

    init(size: Int, sharedBuffers: Int) {
        self.size = size
        sharedBuffersLeft = sharedBuffers
        parts = Array(repeating: [], count: size)
        operations = Array(repeating: "", count: size)
    }

    /// The address of zeros that live as long as this, 0 when there is no room.
    func makeShared(count: Int) -> UInt {
        guard sharedBuffersLeft > 0 else { return 0 }
        sharedBuffersLeft -= 1
        sharedBuffers.append(FloatBuffer(count: count))
        return UInt(bitPattern: sharedBuffers[sharedBuffers.count - 1].pointer)
    }

    /// Waits for all ranks and returns the bytes of each.
    func swap(_ bytes: [UInt8], rank: Int, _ operation: String) throws -> [[UInt8]] {
        condition.lock()
        defer { condition.unlock() }
        guard left == 0 else { throw ExchangeError.rankLeft(during: operation) }
        parts[rank] = bytes
        operations[rank] = operation
        arrived += 1
        let own = generation
        if arrived == size {
            complete(Set(operations).count == 1 ? .success(parts) : .failure(.mismatch(operations)))
        }
        while generation == own { condition.wait() }
        return try outcome.get()
    }

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
