import Kernels

/// How a rank tells the others of its group that it is done with something in the memory they have in common, and
/// hears it of them.
final class GroupSignal {
    private let communicator: any Communicator
    /// A float from each of the others, and one to them; what it is does not matter.
    private let floats: FloatBuffer

    init(_ communicator: any Communicator) {
        self.communicator = communicator
        floats = FloatBuffer(count: communicator.groups.members(with: communicator.rank).count)
    }

    /// When the transfers are complete, all members have called this.
    func start(tag: Int) throws -> [any Transfer] {
        let others = communicator.groups.members(with: communicator.rank).filter { $0 != communicator.rank }
        let own = floats.mutableBytes(others.count..<others.count + 1)
        return try others.enumerated().flatMap { index, peer in
            [
                try communicator.startReceiving(
                    floats.mutableBytes(index..<index + 1), from: peer, tag: tag),
                try communicator.startSending(UnsafeRawBufferPointer(own), to: peer, tag: tag),
            ]
        }
    }
}
