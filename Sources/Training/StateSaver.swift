import Checkpoints
import Foundation
import Kernels
import Model

/// A checkpoint that has been written.
package struct SavedCheckpoint: Sendable, Equatable {
    package let step: Int
    /// Within the output folder.
    package let path: String
    /// How long training stood still for it, and how long it took to be written; nil where nobody knows any more.
    package var waitSeconds: Double?
    package var writeSeconds: Double?

    package init(step: Int, path: String) {
        self.step = step
        self.path = path
    }
}

/// What a trainer wants written after a step.
package struct SavingRequest: Sendable, Equatable {
    /// A checkpoint of the training state.
    package var state = false
    /// The weights as the best so far.
    package var best = false

    package init(state: Bool = false, best: Bool = false) {
        self.state = state
        self.best = best
    }
}

/// Writes what a run must not lose; on rank 0.
package protocol RunSaver: AnyObject {
    /// Begins to write where the run stands. Throws what writing earlier failed with.
    func begin(_ request: SavingRequest, _ state: RunState, epoch: Double) throws
    /// To be called before any rank changes what is perhaps still being written.
    func prepareForChange()
    /// Whether something could not be written.
    var hasFailed: Bool { get }
    /// Checkpoints written since last asked.
    func written() -> [SavedCheckpoint]
    /// Waits for what is being written. Throws what failed.
    func finish() throws
    /// Waits for what is being written, and takes what failed for not asked for.
    func forgetFailure()
}

/// Writes the state of a run while training goes on: from where it stands as long as nobody changes it, which is most of
/// a step, and what is left then from a copy. The next is written when the last is, so there is one copy at most.
/// Without memory for a copy, training waits.
package final class StateSaver: RunSaver {
    /// What belongs into a checkpoint besides the tensors and the state that the trainer keeps.
    package struct Context {
        package let seed: UInt64
        /// Every setting of the run, as JSON.
        package let settings: String
        package let stepsPerEpoch: Int
        package let batchSize: Int
        /// What the run wants back besides, as it is now.
        package let additional: () -> [String: AttributeValue]
        /// Brings what the run has logged so far to the disk: a checkpoint must not be ahead of it.
        package let flushLog: @Sendable () throws -> Void

        package init(
            seed: UInt64, settings: String, stepsPerEpoch: Int, batchSize: Int,
            additional: @escaping () -> [String: AttributeValue] = { [:] },
            flushLog: @escaping @Sendable () throws -> Void = {}
        ) {
            self.seed = seed
            self.settings = settings
            self.stepsPerEpoch = stepsPerEpoch
            self.batchSize = batchSize
            self.additional = additional
            self.flushLog = flushLog
        }
    }

    private let store: CheckpointStore
    private let parameters: FloatBuffer
    private let optimizer: AdamW
    private let pool: WorkerPool
    private let context: Context
    private let copies: Bool
    private let writer = BackgroundWriter()
    private let finished = Finished()
    /// What is being written, or was last.
    private var tensors: ChangingTensors?

    /// The file that has the weights of the best evaluation.
    package static let bestName = "best.h5"

    /// - copies: whether there is memory for a copy.
    package init(
        store: CheckpointStore, parameters: FloatBuffer, optimizer: AdamW, pool: WorkerPool,
        copies: Bool = true, context: Context
    ) {
        self.copies = copies
        self.store = store
        self.parameters = parameters
        self.optimizer = optimizer
        self.pool = pool
        self.context = context
    }

    package var hasFailed: Bool { writer.hasFailed }
    package func written() -> [SavedCheckpoint] { finished.take() }
    package func finish() throws { try writer.finish() }
    package func forgetFailure() { writer.forgetFailure() }

    package func prepareForChange() {
        guard let tensors else { return }
        if copies { tensors.copyRest(pool) } else { writer.waitUntilIdle() }
    }

    package func begin(_ request: SavingRequest, _ state: RunState, epoch: Double) throws {
        guard request.state || request.best else { return }
        let clock = ContinuousClock()
        let asked = clock.now
        try writer.finish()
        let progress = progress(state)
        let tensors = ChangingTensors(
            [parameters] + (request.state ? [optimizer.firstMoment, optimizer.secondMoment] : []))
        self.tensors = tensors
        // What takes long to write is copied at once: a piece that is being read cannot be changed.
        if store.compresses, copies { tensors.copyRest(pool) }
        let begun = clock.now
        try writer.start { [store, flush = context.flushLog, finished] in
            defer { tensors.isRead() }
            try flush()
            if request.best {
                try store.saveWeights(
                    Self.bestName, step: state.step, epoch: epoch,
                    tensors: ChangingTensors.Reader(tensors, isLast: !request.state))
            }
            guard request.state else { return }
            let path = try store.saveState(
                step: state.step, epoch: epoch, progress: progress,
                tensors: ChangingTensors.Reader(tensors, isLast: true))
            var saved = SavedCheckpoint(step: state.step, path: path)
            saved.writeSeconds = (clock.now - begun).seconds
            saved.waitSeconds = (begun - asked).seconds + tensors.secondsCopied
            finished.add(saved)
        }
    }

    private func progress(_ state: RunState) -> TrainingProgress {
        TrainingProgress(
            seed: context.seed, optimizerStep: optimizer.updates,
            epochIndex: state.step / context.stepsPerEpoch,
            epochPosition: state.step % context.stepsPerEpoch * context.batchSize,
            bestMetric: state.best?.value, bestStep: state.best?.step,
            evaluationsWithoutImprovement: state.evaluationsWithoutImprovement, settings: context.settings,
            additional: context.additional().merging(
                [ProgressKey.owesEvaluation: .flag(state.owesEvaluation)]) { $1 })
    }

    /// What the writing thread has done, for the training thread to tell of.
    private final class Finished: @unchecked Sendable {
        private let lock = NSLock()
        private var checkpoints: [SavedCheckpoint] = []

        func add(_ checkpoint: SavedCheckpoint) { lock.withLock { checkpoints.append(checkpoint) } }

        func take() -> [SavedCheckpoint] {
            lock.withLock {
                defer { checkpoints = [] }
                return checkpoints
            }
        }
    }
}
