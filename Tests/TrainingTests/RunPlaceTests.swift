import Checkpoints
import Distributed
import Foundation
import TestSupport
import Testing

@testable import Training

/// Runs from under which their files are taken.
@Suite struct RunPlaceTests {
    /// A place that is lost from the nth time that it is asked on.
    private final class Place: RunPlace, @unchecked Sendable {
        private let limit: Int
        private var asked = 0
        private(set) var saving: RunPlaceSaving?

        init(lostAt limit: Int) { self.limit = limit }

        func look() {}
        func makeSafe() {}

        var isLost: Bool {
            asked += 1
            return asked >= limit
        }

        func fail(saving: RunPlaceSaving) throws {
            self.saving = saving
            throw CheckpointError(.ioFailed, "lost", path: "place", remedy: "look for it")
        }
    }

    @Test(arguments: [1, 2]) func allRanksSaveAndEnd(ranks: Int) throws {
        let training = try TinyTraining()
        let (place, saver) = (Place(lostAt: 3), MemorySaver())
        let outcomes = onRanks(ranks) { communicator in
            try training.run(communicator, saver: saver) { trainer in
                if communicator.isRoot { trainer.output = place }
            }
        }
        for outcome in outcomes {
            let error = try #require(throws: (any Error).self) { try outcome.get() }
            #expect((error as? any ExitCoded)?.exitCode == 74 && "\(error)".contains("lost (place)"))
        }
        // The first time that it is asked is before the first step.
        #expect(place.saving?.step == 2 && place.saving?.failure == nil)
        #expect(saver.checkpoints.map(\.state.step) == [2])
    }

    @Test func whatCannotBeSavedIsSaid() throws {
        let training = try TinyTraining()
        let (place, saver) = (Place(lostAt: 3), MemorySaver())
        saver.failure = (0, CheckpointError(.ioFailed, "full", path: "disk", remedy: "make room"))
        _ = try #require(throws: CheckpointError.self) {
            try training.run(saver: saver) { $0.output = place }
        }
        #expect(place.saving?.step == nil && place.saving?.failure == "full (disk): make room")
    }

    private static func wait(for lines: Int, in temporary: TemporaryFolder) {
        for _ in 0..<10_000 {
            let text = (try? temporary.text("out/metrics.jsonl")) ?? ""
            if text.split(separator: "\n").count >= lines { return }
            usleep(5_000)
        }
    }

    /// The end of a run without end that somebody meddles with.
    private static func end(
        of settings: TrainingSettings, ranks: Int, _ temporary: TemporaryFolder,
        _ meddle: @escaping @Sendable () throws -> Void
    ) throws -> AgreedFailure? {
        let meddler = Thread {
            wait(for: 3, in: temporary)
            try? meddle()
        }
        meddler.start()
        let outcomes = onRanks(ranks) {
            try TrainingRun(settings: settings, communicator: $0, logger: LogRecorder().logger).run()
        }
        let errors = outcomes.map { outcome in #expect(throws: (any Error).self) { try outcome.get() } }
        if let alone = errors.first as? CheckpointError {
            return AgreedFailure(alone, rank: 0, isOwn: true)
        }
        return errors.first as? AgreedFailure
    }

    private static func settings(_ temporary: TemporaryFolder) throws -> TrainingSettings {
        var settings = try SampleModel.settings(in: temporary, steps: 20_000)
        settings.validation = nil
        settings.saving = .never
        settings.loggingSteps = 1
        return settings
    }

    /// Expects that `folder` has a checkpoint and the lines of all steps up to it.
    private static func expectAll(_ folder: String, _ temporary: TemporaryFolder) throws {
        let output = try OutputDirectory(creating: temporary.path(folder))
        let steps = try CheckpointFolder(output: output).steps()
        let lines = try MetricsLines(path: output.path(of: "metrics.jsonl")).lines
        let trained = lines.filter { $0.event == "train" }.map(\.step)
        #expect(steps.count == 1 && trained == Array(1...(steps.first ?? 1)))
        #expect(lines.last?.event == "save")
        #expect(try !temporary.names(folder).contains(FolderLock.fileName))
    }

    @Test(arguments: [1, 2]) func aFolderThatIsMovedHasAll(ranks: Int) throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        let error = try Self.end(of: settings, ranks: ranks, temporary) {
            try FileManager.default.moveItem(
                atPath: temporary.path("out"), toPath: temporary.path("away"))
        }
        #expect(error?.exitCode == 74)
        #expect(error?.description.contains("now \(temporary.path("away"))") == true)
        #expect(try temporary.names() == ["away", "model"])
        try Self.expectAll("away", temporary)
    }

    @Test(arguments: [1, 2]) func aLogThatIsRemovedIsThereAgain(ranks: Int) throws {
        let temporary = try TemporaryFolder()
        let settings = try Self.settings(temporary)
        let error = try Self.end(of: settings, ranks: ranks, temporary) {
            try FileManager.default.removeItem(atPath: temporary.path("out/metrics.jsonl"))
        }
        #expect(error?.exitCode == 74 && error?.description.contains("metrics.jsonl was removed") == true)
        try Self.expectAll("out", temporary)
    }
}
