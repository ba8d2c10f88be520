import Distributed
import Foundation
import Synchronization

/// One of several ranks that are threads of this process: a communicator for tests of what ranks say to each
/// other, without MPI. Sums go in order of rank.
final class ThreadRank: Communicator {
    let rank: Int
    let size: Int
    let ranksOnHost: Int
    let rankOnHost: Int
    private let meeting: Meeting

    private init(rank: Int, meeting: Meeting) {
        self.rank = rank
        self.meeting = meeting
        size = meeting.size
        ranksOnHost = size
        rankOnHost = rank
    }

    /// Runs `body` once on each of `count` ranks at the same time; their results in order of rank.
    static func run<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (any Communicator) throws -> Value
    ) -> [Result<Value, any Error>] {
        let meeting = Meeting(size: count)
        let results = Mutex([Int: Result<Value, any Error>]())
        onThreads(count) { rank in
            let result = Result { try body(ThreadRank(rank: rank, meeting: meeting)) }
            results.withLock { $0[rank] = result }
        }
        let finished = results.withLock { $0 }
        return (0..<count).compactMap { finished[$0] }
    }

    func sum(_ values: UnsafeMutableBufferPointer<Float>, over ranges: [Range<Int>]) {
        add(values) { $0 + $1 }
    }

    func sum(_ values: inout [Double]) {
        values.withUnsafeMutableBufferPointer { add($0) { $0 + $1 } }
    }

    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
        bytes.copyBytes(from: allGather(Array(bytes))[root])
    }

    func gather(_ bytes: [UInt8]) -> [[UInt8]]? {
        let all = allGather(bytes)
        return rank == 0 ? all : nil
    }

    func allGather(_ bytes: [UInt8]) -> [[UInt8]] { meeting.exchange(bytes, from: rank) }

    func abort(code: Int32) {}
    func finalize() {}

    private func add<Number: BitwiseCopyable>(
        _ values: UnsafeMutableBufferPointer<Number>, _ plus: (Number, Number) -> Number
    ) {
        let parts = allGather(Array(UnsafeRawBufferPointer(values))).map { bytes in
            bytes.withUnsafeBytes { bytes in
                values.indices.map {
                    bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.stride, as: Number.self)
                }
            }
        }
        for index in values.indices {
            values[index] = parts.dropFirst().reduce(parts[0][index]) { plus($0, $1[index]) }
        }
    }
}

/// Where ranks hand in bytes, and leave when all have.
private final class Meeting: @unchecked Sendable {
    let size: Int
    private let condition = NSCondition()
    private var round = 0
    private var handedIn: [Int: [UInt8]] = [:]
    private var outcome: [[UInt8]] = []

    init(size: Int) { self.size = size }

    func exchange(_ bytes: [UInt8], from rank: Int) -> [[UInt8]] {
        condition.lock()
        defer { condition.unlock() }
        let own = round
        handedIn[rank] = bytes
        if handedIn.count == size {
            outcome = (0..<size).map { handedIn[$0, default: []] }
            handedIn = [:]
            round += 1
            condition.broadcast()
            return outcome
        }
        // No rank can finish the next round, and with it replace the outcome, before this one joins it.
        while round == own { condition.wait() }
        return outcome
    }
}

/// Ranks wait for each other, so each needs a thread of its own, however few cores there are.
private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        Thread.detachNewThread {
            body(index)
            group.leave()
        }
    }
    group.wait()
}
