import Distributed
import Kernels

/// What messages between two ranks cost.
package struct Link: Sendable, Equatable {
    /// Seconds until a message of a few bytes is there.
    package var latency: Double
    /// Seconds that one more small message takes where many are sent.
    package var overhead: Double
    /// Bytes a second each way, both ways at once, as exchanges send.
    package var bandwidth: Double

    package init(latency: Double, overhead: Double, bandwidth: Double) {
        self.latency = latency
        self.overhead = overhead
        self.bandwidth = bandwidth
    }
}

/// Measures the link between rank 0 and another rank while all others wait.
struct LinkBenchmark {
    let communicator: any Communicator
    let peer: Int

    private static let smallMessages = 64
    private static let largeMessage = 16 << 20

    /// Every rank must call this; the link is rank 0's.
    func run() throws -> Link {
        let latency = try roundTrip(bytes: 4, messages: 1, runs: 200)
        let many = try roundTrip(bytes: 4, messages: Self.smallMessages, runs: 20)
        let large = try bothWays(bytes: Self.largeMessage, runs: 8)
        return Link(
            latency: latency.median / 2,
            overhead: max(many.median - latency.median, 0) / Double(2 * (Self.smallMessages - 1)),
            bandwidth: Double(Self.largeMessage) / max(large.median - latency.median / 2, 1e-9))
    }

    /// Messages there, then as many back.
    private func roundTrip(bytes: Int, messages: Int, runs: Int) throws -> Measurement {
        let buffer = FloatBuffer(count: bytes / 4 * messages)
        return try measure(runs) { other in
            let parts = (0..<messages).map { part(buffer, $0, of: messages) }
            func send() throws -> [any Transfer] {
                try parts.map {
                    try communicator.startSending(UnsafeRawBufferPointer($0), to: other, tag: Self.tag)
                }
            }
            func receive() throws -> [any Transfer] {
                try parts.map { try communicator.startReceiving($0, from: other, tag: Self.tag) }
            }
            let isFirst = communicator.isRoot
            try finish(isFirst ? send() : receive())
            try finish(isFirst ? receive() : send())
        }
    }

    private func bothWays(bytes: Int, runs: Int) throws -> Measurement {
        let (outgoing, incoming) = (FloatBuffer(count: bytes / 4), FloatBuffer(count: bytes / 4))
        return try measure(runs) { other in
            try finish([
                try communicator.startReceiving(part(incoming, 0, of: 1), from: other, tag: Self.tag),
                try communicator.startSending(
                    UnsafeRawBufferPointer(part(outgoing, 0, of: 1)), to: other, tag: Self.tag),
            ])
        }
    }

    /// Runs `body` on the two ranks, which is told the other one.
    private func measure(_ runs: Int, _ body: (_ other: Int) throws -> Void) throws -> Measurement {
        var measurement = Measurement([])
        if communicator.isRoot || communicator.rank == peer {
            let other = communicator.isRoot ? peer : 0
            measurement = try Measurement(warmup: 2, runs: runs, atLeast: 0) { try body(other) }
        }
        try communicator.waitForAll()
        return measurement
    }

    private func part(_ buffer: FloatBuffer, _ index: Int, of count: Int) -> UnsafeMutableRawBufferPointer {
        let each = buffer.count / count
        return UnsafeMutableRawBufferPointer(
            UnsafeMutableBufferPointer(start: buffer.pointer + index * each, count: each))
    }

    private func finish(_ transfers: [any Transfer]) throws {
        try communicator.wait(for: "messages of a benchmark") {
            try transfers.allSatisfy { try $0.isComplete() }
        }
    }

    private static let tag = 2
}

extension Communicator {
    /// Returns when every rank has called this.
    func waitForAll() throws {
        var nothing = [0.0]
        try sum(&nothing)
    }

    /// The largest of the ranks' values, on every rank.
    func maximum(_ value: Double) throws -> Double { try all(value).max() ?? value }

    /// Every rank's value, on every rank.
    func all(_ value: Double) throws -> [Double] {
        var values = [Double](repeating: 0, count: size)
        values[rank] = value
        try sum(&values)
        return values
    }
}
