import Checkpoints
import Distributed
import Foundation
import Logging

/// How a run deals with what is in its output folder.
extension TrainingRun {
    /// Undoes what killed runs had begun.
    func tidy(_ folder: RunFolder?) throws {
        try communicator.onRoot {
            guard let folder else { return }
            if try folder.putBack() { logger.info("put back what a killed run had begun to move away") }
            for name in folder.clean() { logger.info("removed \(name), which a killed run had left") }
        }
    }

    /// Throws where what the run has written is not where the user looks for it.
    func requireInPlace(_ folder: RunFolder?) throws {
        try communicator.onRoot {
            folder?.look()
            var saving = RunPlaceSaving()
            saving.isComplete = true
            try folder?.fail(saving: saving)
        }
    }
}

// MARK: Going on

extension TrainingRun {
    /// - Returns: whether another evaluation may be the best now; the same on every rank.
    func check(_ identity: TrainingIdentity, against resumption: Resumption?) throws -> Bool {
        guard let resumption else { return false }
        var redefinesBest = false
        try communicator.onRoot {
            guard let progress = resumption.progress else { return }
            let check = try ResumeCheck(identity, saved: progress, path: resumption.shared.path)
            try check.require(allowed: settings.allowsChangedSettings) { logger.warning("\($0)") }
            redefinesBest = check.redefinesBest
        }
        return try communicator.minimum(redefinesBest ? 0 : 1) == 0
    }

    /// Resume point with the best so far as it is defined now. Every rank must call it.
    func stateWithBest(
        of resumption: Resumption, _ prepared: PreparedTraining, _ evaluator: Evaluator?, _ folder: RunFolder?
    ) throws -> RunState {
        var state = resumption.state
        try BestAgain(
            folder: folder, layout: prepared.loaded.layout, communicator: communicator, logger: logger,
            metric: settings.bestMetric, evaluator: evaluator
        ).settle(&state, resumption, into: prepared.loaded.parameters)
        return state
    }

    /// Makes room for what the run will write, once nothing can be wrong with it any more.
    func makeRoom(in folder: RunFolder?, for resumption: Resumption?) throws {
        guard let folder else { return }
        guard let resumption else { return try keepEarlierRun(in: folder) }
        let (path, step) = (resumption.shared.path, resumption.shared.step)
        if !folder.isFolder(of: resumption.run, checkpoint: path) {
            try keepEarlierRun(in: folder, checkpointsStay: folder.checkpoints.contains(path))
        }
        if case .checkpoint = settings.resume, let place = try folder.setAsideCheckpoints(after: step) {
            logger.warning("moved the checkpoints after step \(step) to \(place)")
        }
    }

    private func keepEarlierRun(in folder: RunFolder, checkpointsStay: Bool = false) throws {
        let hadModel = FileIdentity(path: settings.model)
        guard let place = try folder.keepEarlierRun(checkpointsStay: checkpointsStay) else { return }
        var notice = "kept what an earlier run had left in \(place)"
        if FileIdentity(path: settings.model) != hadModel {
            notice += ", and --model \(settings.model) with it"
        }
        if settings.resume == nil,
            try !CheckpointFolder(output: OutputDirectory(creating: place)).steps().isEmpty
        {
            notice += "; --output-dir \(place) --resume goes on with that run"
        }
        logger.warning("\(notice)")
    }
}
