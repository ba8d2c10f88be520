import CMPI
import Foundation

/// How ranks find out who is missing when an exchange does not end.
///
/// A rank that has waited too long asks all others. Those that wait themselves answer, whatever they wait for; those
/// that have hung, stopped or lost the network do not.
final class RollCall {
    private let communicator: MPI_Comm?
    private let rank: Int
    private let size: Int
    /// Ranks that have asked: they have waited too long as well.
    private var askers: Set<Int> = []
    /// A byte to send and one to receive into; what they are does not matter.
    private let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 2)

    private static let question: Int32 = 1
    private static let answer: Int32 = 2

    /// - communicator: of all ranks, for this alone.
    init(_ communicator: MPI_Comm?, rank: Int, size: Int) {
        self.communicator = communicator
        self.rank = rank
        self.size = size
        bytes.initialize(repeating: 0, count: 2)
    }

    // The bytes are never given back: messages that nobody takes may still be on their way.

    /// Answers those who have asked. To be called now and then by a rank that waits.
    func answerOthers() {
        while let asker = takeMessage(Self.question) {
            askers.insert(asker)
            send(Self.answer, to: asker)
        }
    }

    /// Asks all other ranks and returns those that do not answer within `seconds`, and whether it is for this rank
    /// to say so: the first of those that ask.
    func missing(within seconds: Double) -> (ranks: [Int], isSpeaker: Bool) {
        var missing = Set(0..<size).subtracting([rank])
        for peer in missing { send(Self.question, to: peer) }
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        while clock.now < end {
            answerOthers()
            while let peer = takeMessage(Self.answer) { missing.remove(peer) }
            missing.subtract(askers)
            usleep(1000)
        }
        return (missing.sorted(), !askers.contains { $0 < rank })
    }

    /// The sender of a message that has come. Errors are for whoever sends or receives more than these.
    private func takeMessage(_ tag: Int32) -> Int? {
        var hasCome: Int32 = 0
        var status = MPI_Status()
        guard MPI_Iprobe(Int32(MPI_ANY_SOURCE), tag, communicator, &hasCome, &status) == MPI_SUCCESS,
            hasCome != 0,
            MPI_Recv(
                bytes + 1, 1, dure_mpi_byte(), status.MPI_SOURCE, tag, communicator, dure_mpi_status_ignore())
                == MPI_SUCCESS
        else { return nil }
        return Int(status.MPI_SOURCE)
    }

    private func send(_ tag: Int32, to peer: Int) {
        var request: MPI_Request?
        guard
            MPI_Isend(bytes, 1, dure_mpi_byte(), Int32(peer), tag, communicator, &request) == MPI_SUCCESS
        else { return }
        MPI_Request_free(&request)
    }
}
