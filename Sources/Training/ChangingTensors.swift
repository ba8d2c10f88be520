import Checkpoints
import Foundation
import Kernels

/// Flat buffers that one thread writes to a file while another may want to change them: before it does, what has not
/// been read yet is copied.
final class ChangingTensors: @unchecked Sendable {
    private let sources: [FloatBuffer]
    private let lock = NSLock()
    /// How much has been read for the last time, of all buffers one after the other.
    private var position = 0
    /// The buffers from some place on; nil as long as they are read where they stand.
    private var copy: (values: FloatBuffer, start: Int)?
    private var seconds = 0.0

    /// - sources: in the order of `CheckpointPart`, all of one size.
    init(_ sources: [FloatBuffer]) { self.sources = sources }

    private var count: Int { sources[0].count }

    /// How long copying took.
    var secondsCopied: Double { lock.withLock { seconds } }

    /// Nothing will be read any more.
    func isRead() { lock.withLock { position = sources.count * count } }

    /// Copies what is still to be read. After that, the buffers may be changed.
    func copyRest(_ pool: WorkerPool) {
        lock.withLock {
            guard copy == nil, position < sources.count * count else { return }
            let clock = ContinuousClock()
            let begun = clock.now
            let start = position
            let rest = sources.count * count - start
            let values = FloatBuffer(count: rest)
            let piece = 1 << 20
            pool.run((rest + piece - 1) / piece) { task, _ in
                copyPiece(start + task * piece..<start + min((task + 1) * piece, rest), to: values, start)
            }
            copy = (values, start)
            seconds += (clock.now - begun).seconds
        }
    }

    private func copyPiece(_ range: Range<Int>, to values: FloatBuffer, _ start: Int) {
        for (index, source) in sources.enumerated() {
            let part = range.clamped(to: index * count..<(index + 1) * count)
            guard !part.isEmpty else { continue }
            (values.pointer + part.lowerBound - start).update(
                from: source.pointer + part.lowerBound - index * count, count: part.count)
        }
    }

    /// Reads all buffers from the first to the last.
    struct Reader: CheckpointTensors {
        private let tensors: ChangingTensors
        private let isLast: Bool

        /// - isLast: whether what it has read is not needed again.
        init(_ tensors: ChangingTensors, isLast: Bool) {
            self.tensors = tensors
            self.isLast = isLast
        }

        func withElements(
            of part: CheckpointPart, in range: Range<Int>,
            _ body: (UnsafeBufferPointer<Float>) throws -> Void
        ) throws {
            let start = part.rawValue * tensors.count + range.lowerBound
            try tensors.read(start..<start + range.count, isLast: isLast, body)
        }
    }

    private func read(
        _ range: Range<Int>, isLast: Bool, _ body: (UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let copied = try lock.withLock { () -> FloatBuffer? in
            if let copy, range.lowerBound >= copy.start { return copy.values }
            let (index, offset) = range.lowerBound.quotientAndRemainder(dividingBy: count)
            try body(UnsafeBufferPointer(start: sources[index].pointer + offset, count: range.count))
            if isLast { position = range.upperBound }
            return nil
        }
        guard let copied, let start = copy?.start else { return }
        try body(
            UnsafeBufferPointer(start: copied.pointer + range.lowerBound - start, count: range.count))
    }
}
