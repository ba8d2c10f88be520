import Kernels

/// The ranks of a run, and what they say to each other. Every rank must make the same calls in the same order.
package protocol Communicator: AnyObject {
    /// This process among `0..<size`.
    var rank: Int { get }
    var size: Int { get }
    /// Ranks on this rank's host, itself included.
    var ranksOnHost: Int { get }
    /// This rank among them.
    var rankOnHost: Int { get }

    /// Replaces `values` on every rank by their sum over ranks, the same bits everywhere.
    ///
    /// - ranges: ascending, the same on every rank; the elements outside are zero on all of them.
    func sum(_ values: UnsafeMutableBufferPointer<Float>, over ranges: [Range<Int>]) throws

    /// Zeros, in the memory that `sum` is fastest on. Every rank asks for the same count.
    func makeSummable(count: Int) throws -> FloatBuffer
    func sum(_ values: inout [Double]) throws

    /// Zeros that all ranks read and write in one place; nil, on all of them, where they have none in common.
    /// Every rank asks for the same count.
    func makeShared(count: Int) throws -> FloatBuffer?

    /// Ranks that `makeShared` has memory in common for, as far as this rank sees, if it is asked for `count` in
    /// all and `makeSummable` for `summable`; 1 where each has its own.
    func ranksSharing(count: Int, summable: Int) -> Int

    /// What any rank wrote to shared memory before is seen by all after.
    func meet() throws

    /// Replaces `bytes` on every rank by those of rank `root`; the count must be the same everywhere.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws

    /// Every rank's bytes, in order of rank, on rank 0; nil elsewhere. Lengths may differ.
    func gather(_ bytes: [UInt8]) throws -> [[UInt8]]?
    /// Every rank's bytes, in order of rank, on every rank.
    func allGather(_ bytes: [UInt8]) throws -> [[UInt8]]

    /// Ends every rank of the run with `code`, wherever they are. Returns only if that fails.
    func abort(code: Int32)

    /// Leaves the run in order; the last call.
    func finalize()
}

extension Communicator {
    package var isRoot: Bool { rank == 0 }

    /// The sum over ranks of all elements.
    package func sum(_ values: UnsafeMutableBufferPointer<Float>) throws {
        try sum(values, over: [0..<values.count])
    }

    package func makeSummable(count: Int) throws -> FloatBuffer { FloatBuffer(count: count) }
    package func makeShared(count: Int) throws -> FloatBuffer? { nil }
    package func ranksSharing(count: Int, summable: Int) -> Int { 1 }
    package func meet() throws {}
}

/// The only rank of a run without MPI: every exchange is with itself.
package final class SingleProcess: Communicator {
    package let rank = 0
    package let size = 1
    package let ranksOnHost = 1
    package let rankOnHost = 0

    package init() {}

    package func sum(_ values: UnsafeMutableBufferPointer<Float>, over ranges: [Range<Int>]) {}
    package func sum(_ values: inout [Double]) {}
    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
    package func gather(_ bytes: [UInt8]) -> [[UInt8]]? { [bytes] }
    package func allGather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
    package func abort(code: Int32) {}
    package func finalize() {}
}
