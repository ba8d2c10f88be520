import Foundation
import Kernels
import Model

/// Bytes that a rank takes, by what for.
package struct MemoryEstimate: Sendable, Equatable {
    package var parameters = 0
    package var gradients = 0
    package var optimizer = 0
    /// Of forward and backward, bounded by the tokens of a micro-batch.
    package var activations = 0
    /// Of evaluation's forward passes: each thread has its own.
    package var evaluation = 0
    /// The copy of parameters and optimizer state that is written while training goes on: this rank's share.
    package var checkpoint = 0
    /// The copy of the weights that products of less than single precision multiply; training and evaluation have one.
    package var weightCopy = 0
    /// The features of all datasets, and the texts to evaluate on.
    package var data = 0

    package var total: Int { unbounded + activations + evaluation + checkpoint }

    /// What no setting changes.
    var unbounded: Int { parameters + gradients + optimizer + weightCopy + data }

    static func text(_ bytes: Int) -> String {
        bytes < 100_000_000
            ? String(format: "%.1f MB", Double(bytes) / 1e6) : String(format: "%.2f GB", Double(bytes) / 1e9)
    }
}

extension MemoryEstimate: CustomStringConvertible {
    package var description: String { "\(Self.text(total)) a rank: \(parts)" }

    var parts: String {
        [
            ("parameters", parameters), ("bf16 weights", weightCopy), ("gradients", gradients),
            ("optimizer", optimizer),
            ("activations", activations), ("evaluation", evaluation), ("checkpoint", checkpoint),
            ("data", data),
        ]
        .filter { $1 > 0 }.map { "\($0) \(Self.text($1))" }.joined(separator: ", ")
    }
}

/// What a rank's memory is to hold.
package struct MemoryDemand: Sendable {
    package enum Purpose: Sendable, Equatable {
        /// The weights alone.
        case weights
        /// Forward passes, as many at once as there are threads.
        case evaluation
        /// Steps, and forward passes beside them to validate.
        case training(validates: Bool)
    }

    package var configuration: ModelConfiguration
    package var purpose: Purpose
    /// Tokens of the longest window.
    package var sequenceLength = 1
    package var threads = 1
    /// `--micro-batch-tokens`.
    package var requestedTokens: Int?
    /// Ranks that keep parameters and optimizer state in one place, each counting its part.
    package var sharing = 1
    /// Ranks that have one copy of the optimizer's state among them.
    package var optimizerSharing = 1
    /// Copies of the gradients that a rank needs.
    package var gradientBuffers = 1
    /// Ranks of the host that has a copy of the state to be written, each counting its part; nil without one.
    package var checkpointSharing: Int?
    package var scope = TrainingScope()
    /// Of the numbers that products multiply.
    package var precision = Precision.single
    /// Bytes of features and texts.
    package var data = 0

    package init(
        _ configuration: ModelConfiguration, for purpose: Purpose, sequenceLength: Int = 1, threads: Int = 1,
        requestedTokens: Int? = nil
    ) {
        self.configuration = configuration
        self.purpose = purpose
        self.sequenceLength = sequenceLength
        self.threads = threads
        self.requestedTokens = requestedTokens
    }

    /// What a rank takes with micro-batches of `tokens`.
    package func estimate(tokens: Int) -> MemoryEstimate {
        let tensors = ParameterLayout(configuration).count * MemoryLayout<Float>.stride
        var estimate = MemoryEstimate(parameters: tensors / sharing)
        estimate.data = data
        if purpose != .weights {
            // Each rank has its own, also where ranks share the parameters.
            estimate.weightCopy = SpanModel.weightCopyBytes(configuration, precision)
        }
        if purpose == .evaluation || purpose == .training(validates: true) {
            estimate.evaluation = threads * activationBytes(forwardCapacity, threads: 1, .inference)
        }
        if case .training = purpose {
            estimate.gradients = gradientBuffers * tensors
            estimate.optimizer = 2 * tensors / optimizerSharing
            estimate.checkpoint = checkpointSharing.map { 3 * tensors / $0 } ?? 0
            let capacity = BatchCapacity(tokens: tokens, sequenceLength: sequenceLength)
            estimate.activations = activationBytes(capacity, threads: threads, .training)
        }
        return estimate
    }

    /// Of evaluation's micro-batches, which are the same whatever the memory.
    private var forwardCapacity: BatchCapacity {
        DistributedForward.capacity(longest: sequenceLength, microBatchTokens: requestedTokens)
    }

    private func activationBytes(_ capacity: BatchCapacity, threads: Int, _ purpose: ModelPurpose) -> Int {
        // Doubles cannot overflow. The exact number could, where it is far beyond any memory.
        let layers = purpose == .training ? configuration.layerCount : 1
        let layer = Double(6 * configuration.hiddenSize + configuration.intermediateSize)
        let width = Double(layers) * layer + 3 * Double(configuration.embeddingSize)
        let scores = Double(threads) * Double(capacity.sequenceLength) * Double(capacity.sequenceLength)
        let limit = 1e15
        guard Double(capacity.tokens) * width + scores < limit / 4 else { return Int(limit) }
        return SpanModel.activationBytes(
            configuration, capacity, threads: threads, purpose, scope, precision: precision)
    }
}

// MARK: What there is

extension MemoryDemand {
    /// Memory that cannot be had ends the process without a word, so this is asked before it is taken.
    ///
    /// - held: bytes of what is estimated that the rank has taken already.
    /// - ranksOnHost: ranks that share the memory, each with an equal part.
    /// - Throws: `TrainingError`, naming what to change.
    package func require(
        tokens: Int = 1, in memory: SystemMemory, ranksOnHost: Int = 1, held: Int = 0
    ) throws {
        let estimate = estimate(tokens: tokens)
        try requireParameters(estimate.parameters * sharing, memory)
        try requirePossible(memory)
        let available = memory.share(ranksOnHost: ranksOnHost)
        let needed = estimate.total - held
        guard needed > available else { return }
        let (place, remedy) =
            estimate.unbounded - held > available
            ? adviceWithoutFlags(ranksOnHost)
            : advice(tokens: tokens, most: mostTokens(below: tokens, available + held), ranksOnHost)
        throw TrainingError.setting(
            flag: place,
            problem: "not enough memory: a rank needs \(MemoryEstimate.text(needed)) "
                + "\(held > 0 ? "more, of " : "")(\(estimate.parts)) and there are "
                + "\(MemoryEstimate.text(available)) for it",
            remedy: remedy)
    }

    /// As many tokens of a micro-batch as fit, of `most`, its half, quarter and so on; but no fewer than the
    /// longest window has, and 256, below which products are slow. A number that was asked for stands.
    ///
    /// - Throws: `TrainingError` where they do not fit; parameters are as `require`'s.
    package func fittingTokens(
        most: Int, in memory: SystemMemory, ranksOnHost: Int = 1, held: Int = 0
    ) throws -> Int {
        var tokens = requestedTokens ?? most
        let least = requestedTokens ?? max(sequenceLength, min(256, most))
        let available = memory.share(ranksOnHost: ranksOnHost)
        while tokens > least, estimate(tokens: tokens).total - held > available {
            tokens = max(tokens / 2, least)
        }
        try require(tokens: tokens, in: memory, ranksOnHost: ranksOnHost, held: held)
        return tokens
    }

    private func requireParameters(_ bytes: Int, _ memory: SystemMemory) throws {
        guard bytes > memory.physical else { return }
        throw TrainingError.data(
            location: "vocab_size \(configuration.vocabularySize), hidden_size \(configuration.hiddenSize)",
            problem: "\(bytes / MemoryLayout<Float>.stride) parameters do not fit into the "
                + "\(memory.physical >> 20) MiB of memory there are",
            remedy: "correct config.json, or use a machine with more memory")
    }

    /// Evaluation takes less than it is allowed to, but a bound that no memory could hold is a mistake.
    private func requirePossible(_ memory: SystemMemory) throws {
        guard purpose == .evaluation, let requestedTokens else { return }
        let capacity = BatchCapacity(tokens: requestedTokens, sequenceLength: sequenceLength)
        guard activationBytes(capacity, threads: 1, .inference) > memory.physical else { return }
        throw TrainingError.setting(
            flag: "--micro-batch-tokens \(requestedTokens)",
            problem:
                "a micro-batch would take more than the \(memory.physical >> 20) MiB of memory there are",
            remedy: "give fewer tokens, or lower --max-seq-length")
    }

    /// The largest micro-batch that fits into `available` bytes, nil if not even one window does.
    private func mostTokens(below tokens: Int, _ available: Int) -> Int? {
        func fits(_ tokens: Int) -> Bool { estimate(tokens: tokens).total <= available }
        guard case .training = purpose, tokens > sequenceLength, fits(sequenceLength) else { return nil }
        var (most, tooMany) = (sequenceLength, tokens)
        while tooMany - most > 1 {
            let middle = most + (tooMany - most) / 2
            if fits(middle) { most = middle } else { tooMany = middle }
        }
        return most
    }

    private func advice(tokens: Int, most: Int?, _ ranksOnHost: Int) -> (place: String, remedy: String) {
        let isEvaluation = purpose == .evaluation
        let evaluates = isEvaluation || purpose == .training(validates: true)
        let flags = [
            isEvaluation && forwardCapacity.tokens > sequenceLength ? "--micro-batch-tokens" : nil,
            "--max-seq-length", evaluates && threads > 1 ? "--threads" : nil,
        ].compactMap(\.self)
        let change = most.map { "give at most \($0)" } ?? "lower \(flags.joined(separator: " or "))"
        return (
            isEvaluation
                ? threads > 1 ? "--threads \(threads)" : "--max-seq-length \(sequenceLength)"
                : "--micro-batch-tokens \(tokens)",
            ranksOnHost > 1 ? "\(change), or run fewer ranks on a host" : change
        )
    }

    /// Where there is not even memory for what settings do not change.
    private func adviceWithoutFlags(_ ranksOnHost: Int) -> (place: String, remedy: String) {
        ranksOnHost > 1
            ? (
                "\(ranksOnHost) ranks on this host",
                "run fewer, with more --threads each, or use a machine with more memory"
            ) : ("1 rank on this host", "use a machine with more memory, or a smaller model")
    }
}
