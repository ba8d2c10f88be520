import Distributed
import Kernels
import Model
import QuestionAnswering

/// Forward passes over many features, shared out over ranks.
///
/// The cut into micro-batches depends on the features and the model's capacity alone, and whole micro-batches
/// are dealt to ranks: a feature's logits have the same bits on any number of ranks and threads.
package struct DistributedForward {
    private let model: SpanModel
    private let communicator: any Communicator

    package init(model: SpanModel, communicator: any Communicator) {
        self.model = model
        self.communicator = communicator
    }

    /// Start and end logits of every feature over its own tokens, on rank 0; nil on the others.
    package func logits(_ features: any FeatureSource) throws -> [SpanLogits]? {
        let tokens = (0..<features.count).map(features.tokenCount)
        let cuts = Dealing.microBatches(tokens: tokens, limit: model.capacity.tokens)
        let costs = cuts.map { cut in
            tokens[cut].reduce(0) {
                $0 + Dealing.cost(tokens: $1, hiddenSize: model.configuration.hiddenSize)
            }
        }
        let shares = Dealing.deal(costs: costs, ranks: communicator.size)
        var own: [UInt8] = []
        for cut in shares[communicator.rank].map({ cuts[$0] }) {
            let batch = PackedBatch(cut.map { features.sequence($0, position: 0) })
            model.forward(batch, dropout: nil)
            append(model.logits.start, batch.tokens, to: &own)
            append(model.logits.end, batch.tokens, to: &own)
        }
        guard let gathered = try communicator.gather(own) else { return nil }
        return unpack(gathered, shares: shares.map { $0.map { cuts[$0] } }, tokens: tokens)
    }

    private func append(_ logits: UnsafePointer<Float>, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeRawBufferPointer(UnsafeBufferPointer(start: logits, count: count)))
    }

    /// Each rank sent, for each of its micro-batches in order, all start logits and then all end logits.
    private func unpack(
        _ gathered: [[UInt8]], shares: [[Range<Int>]], tokens: [Int]
    ) -> [SpanLogits] {
        var result = [SpanLogits](repeating: SpanLogits(start: [], end: []), count: tokens.count)
        for (bytes, cuts) in zip(gathered, shares) {
            bytes.withUnsafeBytes { raw in
                var reader = FloatReader(raw)
                for cut in cuts {
                    let starts = cut.map { reader.next(tokens[$0]) }
                    let ends = cut.map { reader.next(tokens[$0]) }
                    for (index, feature) in cut.enumerated() {
                        result[feature] = SpanLogits(start: starts[index], end: ends[index])
                    }
                }
            }
        }
        return result
    }
}

/// Reads floats from front to back.
private struct FloatReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next(_ count: Int) -> [Float] {
        let start = offset
        offset += count * MemoryLayout<Float>.stride
        return (0..<count).map {
            bytes.loadUnaligned(fromByteOffset: start + $0 * MemoryLayout<Float>.stride, as: Float.self)
        }
    }
}
