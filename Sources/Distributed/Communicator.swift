import Foundation
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

    /// The host that a rank runs on.
    func host(of rank: Int) -> String
    /// Where the run is, as "step 17": for messages about what went wrong there.
    var place: String { get set }

    /// The ranks that give the same label as a run of their own, in the same order. Every rank must call this, and
    /// those of a part finalise it before the whole.
    func split(by label: Int) throws -> any Communicator

    // MARK: Memory in common

    /// Which ranks have memory in common: every rank by itself until `formGroups`.
    var groups: RankGroups { get }

    /// Puts the ranks of every host into a group where all hosts have room for it. To be called before memory is
    /// asked for.
    ///
    /// - shared: floats that a group will ask `makeShared` for in all; each: those a rank asks `makeGroupBuffers`
    ///   for.
    func formGroups(shared: Int, each: Int) throws

    /// Ranks of this host that `formGroups` would put together, as far as this rank sees; 1 where each stays alone.
    func ranksSharing(shared: Int, each: Int) -> Int

    /// Zeros that the ranks of the group read and write in one place. Every rank asks for the same count.
    func makeShared(count: Int) throws -> FloatBuffer
    /// Zeros for every rank, which its group can read and write too. Every rank asks for the same count.
    func makeGroupBuffers(count: Int) throws -> GroupBuffers

    /// What any rank of the group wrote to memory in common before is seen by all of it after.
    func meet() throws

    /// Gives what rank 0 wrote to its group's `buffer` to the groups of all other ranks.
    func spreadFromRoot(_ buffer: FloatBuffer) throws

    // MARK: Exchanges of all ranks

    /// Replaces `values` on every rank by their sum over ranks, the same bits everywhere.
    func sum(_ values: inout [Double]) throws

    /// Replaces `bytes` on every rank by those of rank `root`; the count must be the same everywhere.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws

    /// Every rank's bytes, in order of rank, on rank 0; nil elsewhere. Lengths may differ.
    func gather(_ bytes: [UInt8]) throws -> [[UInt8]]?
    /// Every rank's bytes, in order of rank, on every rank.
    func allGather(_ bytes: [UInt8]) throws -> [[UInt8]]

    // MARK: Messages

    /// Whether another thread may make calls while this one makes none.
    var allowsOtherThreads: Bool { get }

    /// Begins to send or to receive `bytes`. Messages between two ranks with one tag arrive in order; the receiver
    /// knows the length.
    func startSending(_ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int) throws -> any Transfer
    func startReceiving(
        _ bytes: UnsafeMutableRawBufferPointer, from peer: Int, tag: Int
    ) throws -> any Transfer

    /// Returns when `condition`, which is asked again and again, holds.
    ///
    /// - activity: what for, to be told when that takes longer than the run's limit.
    /// - Throws: `DistributedError` then.
    func wait(for activity: String, until condition: () throws -> Bool) throws

    // MARK: The end

    /// Ends every rank of the run with `code`, wherever they are. Where there are others it does not return.
    func abort(code: Int32)

    /// Leaves the run in order; the last call.
    func finalize()
}

extension Communicator {
    package var isRoot: Bool { rank == 0 }
    package var ownGroup: Int { groups.group(of: rank) }
}

/// The only rank of a run without MPI: every exchange is with itself.
package final class SingleProcess: Communicator {
    package let rank = 0
    package let size = 1
    package let ranksOnHost = 1
    package let rankOnHost = 0
    package let groups = RankGroups(separate: 1)
    package var place = ""
    package let allowsOtherThreads = false

    package init() {}

    package func host(of rank: Int) -> String { hostName() }
    package func split(by label: Int) -> any Communicator { SingleProcess() }
    package func formGroups(shared: Int, each: Int) {}
    package func ranksSharing(shared: Int, each: Int) -> Int { 1 }
    package func makeShared(count: Int) -> FloatBuffer { FloatBuffer(count: count) }
    package func makeGroupBuffers(count: Int) -> GroupBuffers { GroupBuffers(count: count) }
    package func meet() {}
    package func spreadFromRoot(_ buffer: FloatBuffer) {}
    package func sum(_ values: inout [Double]) {}
    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {}
    package func gather(_ bytes: [UInt8]) -> [[UInt8]]? { [bytes] }
    package func allGather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
    package func abort(code: Int32) {}
    package func finalize() {}

    package func startSending(_ bytes: UnsafeRawBufferPointer, to peer: Int, tag: Int) -> any Transfer {
        preconditionFailure("there is nobody to send to")
    }
    package func startReceiving(
        _ bytes: UnsafeMutableRawBufferPointer, from peer: Int, tag: Int
    ) -> any Transfer {
        preconditionFailure("there is nobody to receive from")
    }
    package func wait(for activity: String, until condition: () throws -> Bool) throws {
        while try !condition() {}
    }
}

/// The name of the machine that this process runs on.
package func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
