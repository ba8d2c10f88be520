import Distributed
import Kernels
import Model

/// Compares the copies of the parameters that the ranks of a run have, tensor by tensor: memory or a network that
/// changes a bit would otherwise go unnoticed, and make every later step wrong.
package struct ParameterCheck {
    private let layout: ParameterLayout
    private let communicator: any Communicator

    package init(layout: ParameterLayout, communicator: any Communicator) {
        self.layout = layout
        self.communicator = communicator
    }

    /// Every rank must call this, with no parameters on their way.
    ///
    /// - place: where the run is, for the message.
    /// - Throws: `AgreedFailure` with `DistributedError.parametersDiffer`.
    package func run(_ parameters: FloatBuffer, place: String) throws {
        // Ranks that have one copy among them have nothing to compare.
        guard communicator.groups.groups.count > 1 else { return }
        let copies = try communicator.allGather(isSpeakerOfGroup ? checksums(parameters) : [])
        let own = copies[0]
        let width = MemoryLayout<UInt64>.size
        for (index, parameter) in layout.parameters.enumerated() {
            let bytes = index * width..<(index + 1) * width
            let different = copies.indices.filter { rank in
                !copies[rank].isEmpty && copies[rank][bytes] != own[bytes]
            }
            guard let first = different.first else { continue }
            let error = DistributedError.parametersDiffer(
                tensor: parameter.name, place: place,
                ranks: different.map { RankName(rank: $0, host: communicator.host(of: $0)) })
            throw AgreedFailure(error, rank: first, isOwn: communicator.rank == first)
        }
    }

    private var isSpeakerOfGroup: Bool { communicator.groups.member(communicator.rank) == 0 }

    /// Of every tensor, 8 bytes each.
    private func checksums(_ parameters: FloatBuffer) -> [UInt8] {
        layout.parameters.flatMap { parameter in
            withUnsafeBytes(
                of: checksum(parameters.pointer + parameter.offset, parameter.count).littleEndian
            ) { Array($0) }
        }
    }
}
