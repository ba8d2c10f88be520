import Distributed
import Kernels
import Logging
import Model

/// How much of a step's communication computing hides: steps as in training, against computing alone and
/// exchanging alone.
package struct OverlapBenchmark {
    package struct Report: Sendable, Equatable {
        /// Mean seconds of steps.
        package var step: Double
        /// Mean seconds of a step in which a rank waits for others: for messages, or for slower ranks.
        package var waited: Double
        /// Of the slowest rank of each step, exchanging nothing.
        package var compute: Double
        /// Exchanging the same while nothing is computed.
        package var communication: Double
        /// Of all ranks, exchanging nothing, on average.
        package var meanCompute: Double
        /// Micro-batches that a rank computes one after the other.
        package var microBatches: Double
        package var samplesPerSecond: Double

        package init(
            step: Double, waited: Double, compute: Double, communication: Double, meanCompute: Double,
            microBatches: Double,
            samplesPerSecond: Double
        ) {
            self.step = step
            self.waited = waited
            self.compute = compute
            self.communication = communication
            self.meanCompute = meanCompute
            self.microBatches = microBatches
            self.samplesPerSecond = samplesPerSecond
        }

        /// What cannot be seen of the communication, of what could be: the shorter of computing and exchanging.
        package var hiddenShare: Double {
            let possible = min(compute, communication)
            guard possible > 0 else { return 0 }
            return min(max((compute + communication - step) / possible, 0), 1)
        }

        /// The same without the work of sending, which cores that all compute cannot hide: what is not waited for.
        package var shareNotWaitedFor: Double {
            let possible = min(compute, communication)
            return possible > 0 ? min(max(1 - waited / possible, 0), 1) : 0
        }
    }

    let training: BenchmarkTraining
    let settings: StepBenchmark.Settings
    let communicator: any Communicator

    /// Every rank must call this; all get the same report.
    func run() throws -> Report {
        let (step, waited) = try steps()
        let compute = try alone()
        let communication = try exchanges()
        return Report(
            step: step, waited: waited, compute: compute.slowest, communication: communication,
            meanCompute: compute.mean,
            microBatches: compute.microBatches, samplesPerSecond: Double(settings.batchSize) / step)
    }

    /// As in training.
    private func steps() throws -> (seconds: Double, waited: Double) {
        for step in 0..<settings.warmup { _ = try training.trainer.train(step) }
        let clock = ContinuousClock()
        var waited = 0.0
        try communicator.waitForAll()
        let start = clock.now
        for step in 0..<settings.steps {
            waited += try training.trainer.train(settings.warmup + step)?.communicationSeconds ?? 0
        }
        try training.trainer.settle()
        let seconds = try communicator.maximum((clock.now - start).seconds)
        let count = Double(max(settings.steps, 1))
        return (
            seconds / count, try communicator.all(waited / count).reduce(0, +) / Double(communicator.size)
        )
    }

    /// The same forward, backward and update, as if there were nobody else.
    private func alone() throws -> (slowest: Double, mean: Double, microBatches: Double) {
        let own = SingleProcess()
        let configuration = training.model.configuration
        let step = try GradientStep(
            model: training.model, communicator: own, seed: 1, hiddenDropout: configuration.hiddenDropout,
            attentionDropout: configuration.attentionDropout,
            split: BatchSplit(
                parts: communicator.size, own: communicator.rank..<communicator.rank + 1))
        var (slowest, mean, microBatches) = (0.0, 0.0, 0.0)
        let clock = ContinuousClock()
        for index in -1..<settings.steps {
            let first = settings.batchSize * (settings.warmup + max(index, 0))
            let batch = GlobalBatch(
                epoch: 0, features: Array(first..<min(first + settings.batchSize, training.features.count)))
            try communicator.waitForAll()
            let start = clock.now
            let local = step.compute(batch, step: 0, features: training.features)
            // Without a rate parameters stay as they are, the same on all ranks.
            training.optimizer.updateHandled(
                training.model.parameters, gradients: step.gradients, gradientScale: 0, learningRate: 0)
            let seconds = try communicator.all((clock.now - start).seconds)
            // The first touches the memory.
            guard index >= 0 else { continue }
            slowest += seconds.max() ?? 0
            mean += seconds.reduce(0, +) / Double(seconds.count)
            let capacity = Double(training.model.capacity.tokens)
            microBatches += max((Double(local.tokens) / capacity).rounded(.up), 1)
        }
        let count = Double(settings.steps)
        return (slowest / count, mean / count, microBatches / count)
    }

    /// The messages and sums of a step.
    private func exchanges() throws -> Double {
        let step = training.gradientStep
        let clock = ContinuousClock()
        var seconds: [Double] = []
        for index in -1..<settings.steps {
            try communicator.waitForAll()
            let start = clock.now
            step.exchange.begin(written: step.written)
            step.exchange.isFinal(from: 0)
            try step.exchange.finish()
            try communicator.waitForAll()
            try step.exchange.publish(training.model.parameters)
            try step.exchange.settle()
            let slowest = try communicator.maximum((clock.now - start).seconds)
            if index >= 0 { seconds.append(slowest) }
        }
        return Measurement(seconds).median
    }
}
