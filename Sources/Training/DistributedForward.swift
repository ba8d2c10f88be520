import Distributed
import Kernels
import Model
import QuestionAnswering
import Synchronization

/// Forward passes over many features, shared out over ranks and threads.
///
/// The cut into micro-batches depends on the features and the capacity alone, and each is computed by one
/// thread: a feature's logits have the same bits on any number of ranks and threads.
package struct DistributedForward {
    /// One for each thread of `pool`, all over the same parameters.
    private let models: [SpanModel]
    private let capacity: BatchCapacity
    private let pool: WorkerPool
    private let communicator: any Communicator

    /// - capacity: of a micro-batch; the same on every rank.
    /// - precision: of the products' operands.
    package init(
        configuration: ModelConfiguration, layout: ParameterLayout, parameters: FloatBuffer,
        capacity: BatchCapacity, pool: WorkerPool, communicator: any Communicator,
        precision: Precision = .single
    ) {
        self.capacity = capacity
        self.pool = pool
        self.communicator = communicator
        models = (0..<pool.threadCount).map { _ in
            SpanModel(
                configuration: configuration, layout: layout, parameters: parameters, capacity: capacity,
                pool: WorkerPool(threadCount: 1, library: pool.library), purpose: .inference,
                precision: precision)
        }
    }

    /// Tokens of a micro-batch: enough for the products' rate, and few enough that a small dataset still
    /// occupies all ranks and threads. A function of model and settings alone.
    package static func capacity(longest: Int, microBatchTokens: Int?) -> BatchCapacity {
        BatchCapacity(tokens: max(min(microBatchTokens ?? 1024, 1024), longest), sequenceLength: longest)
    }

    /// Start and end logits of every feature over its own tokens, on rank 0; nil on the others.
    ///
    /// - isInterrupted: asked before each micro-batch, on every thread; once it holds on some rank, that rank computes
    ///   nothing more.
    /// - onProgress: told on some thread, after each micro-batch of this rank, what share of its windows is done. Ranks
    ///   have about equal work, so that is about the share of all.
    /// - Throws: `EvaluationInterrupted` on every rank when one has left something out.
    package func logits(
        _ features: any FeatureSource, isInterrupted: @escaping @Sendable () -> Bool = { false },
        onProgress: ShareObserver? = nil
    ) throws -> [SpanLogits]? {
        let tokens = (0..<features.count).map(features.tokenCount)
        let cuts = Dealing.microBatches(tokens: tokens, limit: capacity.tokens)
        let hiddenSize = models[0].configuration.hiddenSize
        let costs = cuts.map { cut in
            tokens[cut].reduce(0) { $0 + Dealing.cost(tokens: $1, hiddenSize: hiddenSize) }
        }
        let shares = Dealing.deal(costs: costs, ranks: communicator.size)
        let own = forward(shares[communicator.rank].map { cuts[$0] }, features, isInterrupted, onProgress)
        guard try communicator.minimum(own == nil ? 0 : 1) == 1, let own else {
            throw EvaluationInterrupted()
        }
        guard let gathered = try communicator.gather(own) else { return nil }
        return unpack(gathered, shares: shares.map { $0.map { cuts[$0] } }, tokens: tokens)
    }

    /// The logits of this rank's micro-batches in order: of each, all start logits, then all end logits. Nil when some
    /// were left out.
    private func forward(
        _ cuts: [Range<Int>], _ features: any FeatureSource, _ isInterrupted: @Sendable () -> Bool,
        _ onProgress: ShareObserver?
    ) -> [UInt8]? {
        let results = UnsafeMutableBufferPointer<[UInt8]>.allocate(capacity: cuts.count)
        results.initialize(repeating: [])
        defer { results.deinitialize().deallocate() }
        let leftOut = Atomic<Bool>(false)
        let done = Atomic<Int>(0)
        let count = cuts.reduce(0) { $0 + $1.count }
        pool.run(cuts.count) { task, worker in
            if isInterrupted() { leftOut.store(true, ordering: .relaxed) }
            if leftOut.load(ordering: .relaxed) { return }
            let model = models[worker]
            let batch = PackedBatch(
                cuts[task].map { features.sequence($0, position: 0) }, for: model.configuration)
            model.forward(batch, dropout: nil)
            results[task] = [model.logits.start, model.logits.end].flatMap { logits in
                Array(UnsafeRawBufferPointer(UnsafeBufferPointer(start: logits, count: batch.tokens)))
            }
            let sum = done.add(cuts[task].count, ordering: .relaxed).newValue
            onProgress?(Double(sum) / Double(count))
        }
        return leftOut.load(ordering: .relaxed) ? nil : results.flatMap(\.self)
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

/// Takes how much of something is done, from 0 to 1, on whichever thread did it.
package typealias ShareObserver = @Sendable (Double) -> Void

/// An evaluation was given up before its end, on all ranks.
package struct EvaluationInterrupted: Error {
    package init() {}
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
