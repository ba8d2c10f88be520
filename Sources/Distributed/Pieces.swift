import Kernels

/// Memory for messages that is used again in later steps.
final class StagingBuffers {
    private var free: [FloatBuffer] = []

    /// At least `count` floats; what they are is undefined.
    func take(_ count: Int) -> FloatBuffer {
        let fitting = free.indices.filter { free[$0].count >= count }
        guard let index = fitting.min(by: { free[$0].count < free[$1].count }) else {
            return FloatBuffer(count: count)
        }
        return free.remove(at: index)
    }

    func give(back buffer: FloatBuffer) { free.append(buffer) }
}

/// Ranges of a flat buffer of floats as one message: in place where they are one range, packed otherwise, and in
/// half the bytes when compressed.
///
/// Keep it until its transfers are complete.
final class Piece {
    let count: Int
    private let ranges: [Range<Int>]
    private let values: UnsafeMutablePointer<Float>
    private let isCompressed: Bool
    private let staging: StagingBuffers
    private var held: [FloatBuffer] = []

    /// - values: the buffer that the ranges are of.
    init(
        _ ranges: [Range<Int>], of values: UnsafeMutablePointer<Float>, _ compression: GradientCompression,
        _ staging: StagingBuffers
    ) {
        self.ranges = ranges
        self.values = values
        self.staging = staging
        isCompressed = compression == .bf16
        count = ranges.elementCount
    }

    deinit { for buffer in held { staging.give(back: buffer) } }

    // MARK: Sending

    /// Sends the elements as they are now. Compressed, `roundsValues` leaves here what arrives there.
    func send(
        to peers: [Int], tag: Int, over communicator: any Communicator, roundsValues: Bool = false
    ) throws -> [any Transfer] {
        guard count > 0, !peers.isEmpty else { return [] }
        let message = pack()
        if isCompressed, roundsValues { unpackHalves(UnsafePointer(message.halves)) }
        return try peers.map {
            try communicator.startSending(UnsafeRawBufferPointer(message.bytes), to: $0, tag: tag)
        }
    }

    private func pack() -> Message {
        if let message = messageInPlace { return message }
        let message = takeMessage()
        var offset = 0
        for range in ranges {
            let source = values + range.lowerBound
            if isCompressed {
                roundToBrainFloat(source, into: message.halves + offset, count: range.count)
            } else {
                (message.floats + offset).update(from: source, count: range.count)
            }
            offset += range.count
        }
        return message
    }

    // MARK: Receiving

    /// What is to arrive: in place where `replacing` and possible.
    private var incoming: Message?

    /// - replacing: whether the elements may be overwritten while the message arrives; `unpack` completes that.
    ///   Otherwise they stay, and `arrived` has the others.
    func receive(
        from peer: Int, tag: Int, over communicator: any Communicator, replacing: Bool
    ) throws -> [any Transfer] {
        guard count > 0 else { return [] }
        let message = (replacing ? messageInPlace : nil) ?? takeMessage()
        incoming = message
        return [try communicator.startReceiving(message.bytes, from: peer, tag: tag)]
    }

    /// The elements that arrived, one after the other.
    func arrived() -> UnsafePointer<Float>? {
        guard let incoming else { return nil }
        guard isCompressed else { return UnsafePointer(incoming.floats) }
        let floats = take(count)
        expandBrainFloat(incoming.halves, into: floats, count: count)
        return UnsafePointer(floats)
    }

    /// Puts the elements that arrived in their places.
    func unpack() {
        guard let incoming, incoming.bytes.baseAddress != messageInPlace?.bytes.baseAddress else { return }
        if isCompressed { return unpackHalves(incoming.halves) }
        var offset = 0
        for range in ranges {
            (values + range.lowerBound).update(from: incoming.floats + offset, count: range.count)
            offset += range.count
        }
    }

    private func unpackHalves(_ halves: UnsafePointer<BrainFloat>) {
        var offset = 0
        for range in ranges {
            expandBrainFloat(halves + offset, into: values + range.lowerBound, count: range.count)
            offset += range.count
        }
    }

    // MARK: Memory

    private struct Message {
        let bytes: UnsafeMutableRawBufferPointer
        let floats: UnsafeMutablePointer<Float>
        let halves: UnsafeMutablePointer<BrainFloat>

        init(_ floats: UnsafeMutablePointer<Float>, bytes: Int) {
            self.floats = floats
            self.bytes = UnsafeMutableRawBufferPointer(start: floats, count: bytes)
            halves = UnsafeMutableRawPointer(floats).assumingMemoryBound(to: BrainFloat.self)
        }
    }

    private var messageInPlace: Message? {
        guard !isCompressed, ranges.count == 1, let range = ranges.first else { return nil }
        return Message(values + range.lowerBound, bytes: range.count * MemoryLayout<Float>.stride)
    }

    private func takeMessage() -> Message {
        isCompressed
            ? Message(take((count + 1) / 2), bytes: count * MemoryLayout<BrainFloat>.stride)
            : Message(take(count), bytes: count * MemoryLayout<Float>.stride)
    }

    private func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let buffer = staging.take(count)
        held.append(buffer)
        return buffer.pointer
    }
}
