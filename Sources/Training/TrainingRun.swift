import Checkpoints
import Distributed
import Foundation
import Kernels
import Logging
import Model
import QuestionAnswering
import Reports

/// A whole run of `dure train` on one rank: from settings to `final.h5`.
package struct TrainingRun {
    let settings: TrainingSettings
    let communicator: any Communicator
    let logger: Logger
    let status: StatusLine?
    private let memory: () -> SystemMemory
    /// The program as it was started, for commands to go on with.
    let program: String

    /// - status: where rank 0 tells how the run goes; nil does not.
    /// - memory: what is to be had at the moment.
    package init(
        settings: TrainingSettings, communicator: any Communicator, logger: Logger,
        status: StatusLine? = .standardError, memory: @escaping () -> SystemMemory = { SystemMemory() },
        program: String = "dure"
    ) {
        self.settings = settings
        self.communicator = communicator
        self.logger = logger
        self.status = communicator.isRoot ? status : nil
        self.memory = memory
        self.program = program
    }

    package func run() throws {
        var folder: RunFolder?
        try communicator.onRoot { folder = try RunFolder(creating: settings.outputDirectory) }
        do {
            try train(folder)
            folder?.close(keepsFolder: true)
        } catch {
            folder?.close(keepsFolder: false)
            throw error
        }
    }

    /// - folder: on rank 0.
    private func train(_ folder: RunFolder?) throws {
        try tidy(folder)
        let resumption = try settings.resume.flatMap {
            try Resumption.find($0, in: folder, over: communicator) { logger.warning("\($0)") }
        }
        let prepared = try PreparedTraining(
            settings, resumption, communicator: communicator, logger: logger, status: status, memory: memory)
        let redefinesBest = try check(prepared.identity, against: resumption)
        let model = prepared.compute.model(prepared.loaded, longest: prepared.training.longest)
        if let notice = prepared.exchange.notice(communicator) { logger.info("\(notice)") }
        let gradientStep = try gradientStep(model, prepared.exchange)
        let optimizer = try AdamW(
            layout: prepared.loaded.layout, settings: settings.optimizer, scope: settings.scope,
            pool: prepared.compute.pool, exchange: gradientStep.exchange)
        try resumption?.restore(optimizer, prepared.loaded.layout, over: communicator)
        let watch = try debug(prepared, resumption, model, gradientStep)
        try communicator.onRoot { try makeRoom(in: folder, for: resumption) }
        let name = resumption?.run ?? UUID().uuidString
        let record = try describe(prepared, resumption, run: name, to: folder?.output)
        prepared.loader.keep()
        let observers = try observers(prepared, folder, resumption, record: record)
        let trainer = Trainer(
            plan: prepared.plan, model: model, features: prepared.training, sampler: prepared.sampler,
            gradientStep: gradientStep, optimizer: optimizer, pool: prepared.compute.pool,
            communicator: communicator, observers: observers.all)
        trainer.watch = watch
        trainer.isAskedToStop = { StopRequest.isMade }
        let evaluator = makeEvaluator(prepared, model.productWeights)
        trainer.output = folder
        trainer.evaluate = evaluation(evaluator, folder?.output, onProgress: observers.progress?.evaluated)
        let store = try folder.map { try checkpointStore($0.output, prepared.loaded) }
        try communicator.onRoot {
            // The run before may have been killed between writing one and removing another.
            if let store, let state = resumption?.state {
                try store.removeOldest(current: state.step, best: state.best?.step)
            }
        }
        var start = resumption?.state
        if redefinesBest, let resumption {
            start = try stateWithBest(of: resumption, prepared, evaluator, folder)
        }
        trainer.saver = store.map { stateSaver($0, prepared, optimizer, observers.metrics, run: name) }
        let report = try reporting(to: observers.reporter) {
            try run(trainer, from: start, resumption)
            let step = try leaveWeights(trainer, prepared, store, folder?.output)
            try answerAgain(with: step, trainer.state, evaluator, folder?.output)
            try communicator.onRoot {
                try record.write(finalStep: step, best: trainer.state.best, to: folder?.output)
            }
        }
        try requireInPlace(folder)
        tellHowToGoOn(report, folder?.output)
    }

    /// Leaves the answers of the weights that are left, where those are not the last step's.
    private func answerAgain(
        with step: Int, _ state: RunState, _ evaluator: Evaluator?, _ output: OutputDirectory?
    ) throws {
        guard step != state.step else { return }
        do {
            _ = try evaluation(evaluator, output, mayStop: settings.saving != .never)?()
        } catch is EvaluationInterrupted {
            // All but these answers is there, and a run that goes on from the last checkpoint makes them.
            throw StoppedOnRequest(step: state.step)
        }
    }

    /// Leaves a report at the end, also when the run was asked to stop; after the weights, which matter more where there
    /// is little room.
    ///
    /// - Returns: what it tells.
    private func reporting(to reporter: RunReporter?, _ body: () throws -> Void) throws -> RunReport? {
        do {
            try body()
        } catch let stop as StoppedOnRequest {
            reporter?.write()
            throw stop
        }
        return reporter?.write()
    }

    /// The file that has the weights at the end.
    static let finalName = "final.h5"

    private func run(_ trainer: Trainer, from start: RunState?, _ resumption: Resumption?) throws {
        let point = resumption?.point(ranks: communicator.size)
        do {
            try trainer.run(from: start.flatMap { start in point.map { (start, $0) } })
        } catch {
            // A checkpoint that was begun is finished, whatever ends the run.
            try? trainer.saver?.finish()
            throw error
        }
    }
}

// MARK: Parts

extension TrainingRun {
    private func gradientStep(_ model: SpanModel, _ exchange: ExchangeSettings) throws -> GradientStep {
        try GradientStep(
            model: model, communicator: communicator, seed: settings.seed,
            hiddenDropout: settings.hiddenDropout(of: model.configuration),
            attentionDropout: settings.attentionDropout(of: model.configuration),
            labelSmoothing: settings.labelSmoothing, exchange: exchange,
            split: exchange.isDeterministic
                ? BatchSplit(batchSize: settings.batchSize(communicator), dealtTo: communicator) : nil)
    }

    /// What `--debug` does before the first step; nil without it.
    private func debug(
        _ prepared: PreparedTraining, _ resumption: Resumption?, _ model: SpanModel,
        _ gradientStep: GradientStep
    ) throws -> StepWatch? {
        guard settings.debugs else { return nil }
        return try DebugSession(
            settings: settings, prepared: prepared, model: model, gradients: gradientStep.gradients,
            source: resumption?.shared.path ?? settings.model, logger: logger
        ).run()
    }

    private func makeEvaluator(
        _ prepared: PreparedTraining, _ productWeights: ProductWeights
    ) -> Evaluator? {
        guard let data = prepared.validation else { return nil }
        let forward = prepared.compute.forward(
            prepared.loaded, longest: data.longest, communicator: communicator,
            productWeights: productWeights)
        return Evaluator(
            forward: forward, data: data, answers: settings.answers, communicator: communicator)
    }

    /// - mayStop: whether a request to stop interrupts it.
    private func evaluation(
        _ evaluator: Evaluator?, _ output: OutputDirectory?, mayStop: Bool = true,
        onProgress: ShareObserver? = nil
    ) -> (() throws -> EvaluationResult?)? {
        guard let evaluator else { return nil }
        return {
            let evaluation = try evaluator.run(
                isInterrupted: { mayStop && StopRequest.isMade }, onProgress: onProgress)
            try communicator.onRoot {
                // That it is gone is found out between steps, when all ranks can save.
                guard let output, !output.isGone else { return }
                try evaluation?.write(to: output, answers: settings.answers)
            }
            return evaluation?.result
        }
    }

    private func checkpointStore(
        _ output: OutputDirectory, _ loaded: LoadedModel
    ) throws -> CheckpointStore {
        CheckpointStore(
            directory: output, limit: settings.saveTotalLimit, compression: settings.compression,
            model: loaded.folder, layout: loaded.layout,
            tokenizerSettings: try loaded.tokenizer.checkpointAttributes())
    }

    private func stateSaver(
        _ store: CheckpointStore, _ prepared: PreparedTraining, _ optimizer: AdamW, _ metrics: MetricsLog?,
        run: String
    ) -> StateSaver {
        let identity = prepared.identity
        return StateSaver(
            store: store, parameters: prepared.loaded.parameters, optimizer: optimizer,
            pool: prepared.compute.pool, copies: prepared.compute.copiesState,
            context: StateSaver.Context(
                seed: settings.seed, settings: identity.settings, stepsPerEpoch: prepared.plan.stepsPerEpoch,
                batchSize: prepared.sampler.batchSize,
                additional: {
                    var attributes = identity.attributes
                    attributes[ProgressKey.run] = .text(run)
                    attributes[ProgressKey.metricsWindow] = metrics.map { .text($0.window.text) }
                    return attributes
                }, flushLog: { [flush = metrics?.flush] in try flush?() }))
    }
}
