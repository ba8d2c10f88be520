import Distributed
import QuestionAnswering

/// Runs a model over a dataset on all ranks and turns the logits into answers on rank 0.
package struct Evaluator {
    private let forward: DistributedForward
    private let data: FeatureSet
    private let answers: AnswerSettings
    private let communicator: any Communicator

    /// - data: every window of every question, labelled where there are answers; on rank 0 with the texts, without
    ///   which there are no predictions, but only a loss.
    package init(
        forward: DistributedForward, data: FeatureSet, answers: AnswerSettings,
        communicator: any Communicator
    ) {
        self.forward = forward
        self.data = data
        self.answers = answers
        self.communicator = communicator
    }

    /// The evaluation on rank 0, nil on the others. Every rank must call it.
    ///
    /// - isInterrupted, onProgress: as `DistributedForward.logits`'s.
    package func run(
        isInterrupted: @escaping @Sendable () -> Bool = { false }, onProgress: ShareObserver? = nil
    ) throws -> Evaluation? {
        let clock = ContinuousClock()
        let start = clock.now
        let logits = try forward.logits(data, isInterrupted: isInterrupted, onProgress: onProgress)
        let seconds = (clock.now - start).seconds
        return try communicator.together {
            try logits.map { logits in
                // Whose they are and what cut the windows matters only beside others.
                let group = WindowLogits(data: data, logits: logits, models: [""], tokenizer: "")
                return try Evaluation(of: [group], answers: answers, forwardSeconds: seconds)
            }
        }
    }
}
