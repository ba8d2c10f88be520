import Checkpoints
import Distributed
import Foundation
import Kernels
import Logging
import Model
import QuestionAnswering

/// Who is told how a run goes; on rank 0 alone there is anybody.
struct RunObservers {
    var metrics: MetricsLog?
    var progress: Progress?
    var reporter: RunReporter?
    var verdict: OverfitVerdict?

    /// In the order in which they are told: the report reads what the log has written.
    var all: [any TrainingObserver] {
        ([metrics, progress, reporter, verdict] as [(any TrainingObserver)?]).compactMap(\.self)
    }
}

extension TrainingRun {
    /// - record: of `run.json`.
    func observers(
        _ prepared: PreparedTraining, _ folder: RunFolder?, _ resumption: Resumption?, record: JSONValue
    ) throws -> RunObservers {
        var observers = RunObservers()
        observers.metrics = try metricsLog(folder, resumption)
        try keepEvents(of: observers.metrics, folder, resumption, record: record)
        observers.progress = status.map {
            Progress(plan: prepared.plan, interval: settings.loggingSteps, line: $0)
        }
        observers.reporter = folder.map {
            RunReporter(output: $0.output, dataset: prepared.validation?.dataset, logger: logger)
        }
        if communicator.isRoot, settings.overfitBatch != nil {
            observers.verdict = OverfitVerdict(
                prepared.training, settings, prepared.loaded.configuration, logger)
        }
        return observers
    }

    /// Has `metrics` keep its lines for TensorBoard as well.
    ///
    /// - record: of `run.json`.
    private func keepEvents(
        of metrics: MetricsLog?, _ folder: RunFolder?, _ resumption: Resumption?, record: JSONValue
    ) throws {
        try communicator.onRoot {
            guard let metrics, let folder else { return }
            let events = try EventLog(
                folder: folder.output.path,
                resuming: resumption.map { ($0.shared.step, logged: $0.shared.step - $0.window.count) })
            try events.describe(record)
            metrics.listener = events.add
            folder.logs = [metrics.open, events.open]
            metrics.beforeWriting = folder.look
        }
    }

    private func metricsLog(_ folder: RunFolder?, _ resumption: Resumption?) throws -> MetricsLog? {
        var log: MetricsLog?
        try communicator.onRoot {
            guard let output = folder?.output else { return }
            let path = output.path(of: RunFolder.metricsName)
            guard let resumption else {
                log = try MetricsLog(path: path, interval: settings.loggingSteps)
                return
            }
            let step = resumption.shared.step
            let saved = CheckpointFolder.relativePath(of: step)
            log = try MetricsLog(
                path: path, interval: settings.loggingSteps, resumingAfter: step, window: resumption.window,
                checkpoint: resumption.shared.path == output.path(of: saved) ? saved : nil)
        }
        return log
    }
}

// MARK: What the run tells about itself

extension TrainingRun {
    /// Logs what is about to run and writes `run.json`.
    ///
    /// - Returns: what stands in it, on rank 0.
    func describe(
        _ prepared: PreparedTraining, _ resumption: Resumption?, run: String, to output: OutputDirectory?
    ) throws -> JSONValue {
        let hosts = try communicator.allGather([UInt8](Host.name.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
        let compute = prepared.compute
        for notice in compute.notices { logger.warning("\(notice)") }
        if let notice = missingLibraryNotice() { logger.info("\(notice)") }
        logger.info(
            """
            \(prepared.loaded.layout.count) parameters · \(communicator.size) rank(s) × \
            \(compute.pool.threadCount) thread(s) · batch \(prepared.sampler.batchSize) · micro-batches of \
            \(compute.microBatchTokens) tokens · \(productsName(compute.precision, compute.pool.library))
            """)
        var json = JSONValue.null
        try communicator.onRoot {
            let hashes = try (settings.trainFiles + settings.validationFiles).map {
                (path: $0, hash: try FileHash.text(of: $0))
            }
            let record = RunRecord(
                run: run, settings: prepared.flags, hosts: hosts,
                threads: compute.pool.threadCount, microBatchTokens: compute.microBatchTokens,
                features: prepared.training.count, lengths: prepared.training.lengths,
                totalSteps: prepared.plan.totalSteps, validation: prepared.validation,
                files: hashes, resumed: resumption?.shared)
            json = record.json
            try output?.write(json.indented + "\n", to: RunFolder.recordName)
            let check = LaunchCheck(settings: settings, communicator: communicator)
            for warning in check.run(prepared, hashes: hashes, resumes: resumption != nil) {
                logger.warning("\(warning)")
            }
        }
        return json
    }
}
