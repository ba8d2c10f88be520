import Checkpoints
import Foundation
import Kernels
import Model
import Testing
import Training

@Suite struct CheckpointStoreTests {
    /// A store in a temporary folder, with a model and the state of its optimizer after one update.
    private struct Scene {
        let temporary: TemporaryFolder
        let loaded: LoadedModel
        let optimizer: AdamW

        init() throws {
            temporary = try TemporaryFolder()
            loaded = try SampleModel.load()
            optimizer = try AdamW(
                layout: loaded.layout, settings: OptimizerSettings(), pool: WorkerPool(threadCount: 1))
            let gradients = FloatBuffer(count: loaded.layout.count)
            for index in 0..<gradients.count { gradients.pointer[index] = Float(index % 7) - 3 }
            try optimizer.update(
                loaded.parameters, gradients: gradients, gradientScale: 1, learningRate: 1e-3)
        }

        func store(limit: Int) throws -> CheckpointStore {
            CheckpointStore(
                directory: try OutputDirectory(creating: temporary.path), limit: limit,
                model: loaded.folder, layout: loaded.layout,
                tokenizerSettings: try loaded.tokenizer.checkpointAttributes())
        }

        @discardableResult
        func save(
            _ step: Int, best: Int? = nil, run: String = "", in store: CheckpointStore
        ) throws -> String {
            var progress = Self.progress
            progress.additional["run"] = .text(run)
            progress.bestStep = best
            return try store.saveState(
                step: step, epoch: 0.5, progress: progress,
                tensors: FlatTensors(
                    parameters: UnsafeBufferPointer(loaded.parameters.buffer),
                    optimizer: OptimizerState(
                        average: UnsafeBufferPointer(optimizer.firstMoment.buffer),
                        squaredAverage: UnsafeBufferPointer(optimizer.secondMoment.buffer))))
        }

        func damage(_ step: Int, _ change: (inout Data) -> Void) throws {
            let url = URL(filePath: temporary.path(CheckpointFolder.relativePath(of: step)))
            var data = try Data(contentsOf: url)
            change(&data)
            try data.write(to: url)
        }

        static let progress = TrainingProgress(
            seed: .max, optimizerStep: 1, epochIndex: 2, epochPosition: 24, settings: #"{"a":1}"#)
    }

    @Test func aStateHoldsAllThatARunNeedsToGoOn() throws {
        let scene = try Scene()
        let path = try scene.save(500, in: scene.store(limit: 3))
        #expect(path == "checkpoints/step-00000500.h5")
        let file = try CheckpointFile(path: scene.temporary.path(path))
        #expect(file.kind == .training)
        #expect(file.contents.step == 500 && file.contents.epoch == 0.5)
        #expect(file.contents.programVersion == dureVersion)
        #expect(file.contents.progress?.settings == Scene.progress.settings)
        #expect(file.contents.progress?.seed == .max && file.contents.progress?.epochPosition == 24)
        #expect(file.contents.configuration == scene.loaded.folder.configurationText)
        #expect(file.contents.vocabulary == scene.loaded.folder.vocabulary)
        let layout = scene.loaded.layout
        let (values, average, squared) = (
            FloatBuffer(count: layout.count), FloatBuffer(count: layout.count),
            FloatBuffer(count: layout.count)
        )
        let report = try file.loadWeights(layout: layout, into: values.buffer)
        #expect(report.missing.isEmpty && report.unexpected.isEmpty)
        #expect(values.buffer.elementsEqual(scene.loaded.parameters.buffer))
        try file.readOptimizer(layout: layout, average: average.buffer, squaredAverage: squared.buffer)
        #expect(average.buffer.elementsEqual(scene.optimizer.firstMoment.buffer))
        #expect(squared.buffer.elementsEqual(scene.optimizer.secondMoment.buffer))
    }

    @Test func weightsAreSavedWithoutTheState() throws {
        let scene = try Scene()
        try scene.store(limit: 3).saveWeights(
            "final.h5", step: 7, epoch: 1,
            tensors: FlatTensors(parameters: UnsafeBufferPointer(scene.loaded.parameters.buffer)))
        let file = try CheckpointFile(path: scene.temporary.path("final.h5"))
        #expect(file.kind == .weights && file.contents.step == 7 && file.contents.progress == nil)
        #expect(try scene.temporary.names() == ["final.h5"])
    }

    @Test func theNewestAreKept() throws {
        let scene = try Scene()
        let store = try scene.store(limit: 2)
        for step in [5, 10, 15, 20] { try scene.save(step, in: store) }
        #expect(
            try scene.temporary.names("checkpoints") == ["step-00000015.h5", "step-00000020.h5"])
    }

    @Test func theBestIsKeptWhateverTheLimit() throws {
        let scene = try Scene()
        let store = try scene.store(limit: 1)
        for step in [5, 10, 15, 20] { try scene.save(step, best: min(step, 10), in: store) }
        #expect(
            try scene.temporary.names("checkpoints") == ["step-00000010.h5", "step-00000020.h5"])
        let more = try scene.store(limit: 3)
        for step in [25, 30] { try scene.save(step, best: 10, in: more) }
        #expect(
            try scene.temporary.names("checkpoints")
                == ["step-00000010.h5", "step-00000025.h5", "step-00000030.h5"])
    }

    @Test func theNewestWholeOneIsFoundAndDamagedOnesReported() throws {
        let scene = try Scene()
        let folder = CheckpointFolder(output: try OutputDirectory(creating: scene.temporary.path))
        #expect(try folder.newestWhole()?.damaged == nil)
        let store = try scene.store(limit: 4)
        for step in [5, 10, 15, 20] { try scene.save(step, in: store) }
        #expect(try folder.newestWhole()?.file.contents.step == 20)
        try scene.damage(20) { $0[$0.count / 2] ^= 1 }
        try scene.damage(15) { $0.removeLast(100) }
        let found = try #require(try folder.newestWhole())
        #expect(found.file.contents.step == 10)
        #expect(found.damaged.map(\.path) == [folder.path(of: 20), folder.path(of: 15)])
        for step in [5, 10] { try scene.damage(step) { $0.removeAll() } }
        let error = try #require(throws: CheckpointError.self) { _ = try folder.newestWhole() }
        #expect(error.category == .badData && error.what.contains("all 4 checkpoints are damaged"))
    }

    @Test func aRunGoesOnFromItsOwnCheckpointBeforeLaterOnesOfAnother() throws {
        let scene = try Scene()
        let folder = CheckpointFolder(output: try OutputDirectory(creating: scene.temporary.path))
        let store = try scene.store(limit: 9)
        for (step, run) in [(5, "new"), (10, "new"), (15, "old"), (20, "old")] {
            try scene.save(step, run: run, in: store)
        }
        #expect(try folder.newestWhole(of: "new")?.file.contents.step == 10)
        #expect(try folder.newestWhole(of: "none")?.file.contents.step == 20)
        #expect(try folder.newestWhole()?.file.contents.step == 20)
    }

    @Test func weightsAloneAreNoStateToGoOnFrom() throws {
        let scene = try Scene()
        try scene.store(limit: 1).saveWeights(
            "final.h5", step: 1, epoch: 1,
            tensors: FlatTensors(parameters: UnsafeBufferPointer(scene.loaded.parameters.buffer)))
        let error = try #require(throws: CheckpointError.self) {
            _ = try CheckpointFile(trainingState: scene.temporary.path("final.h5"))
        }
        #expect(error.category == .badData && error.what.contains("no state of training"))
    }

    @Test func otherFilesAreLeftAlone() throws {
        let scene = try Scene()
        let others = ["step-1.h5", "step-00000001.h5.txt", "step-final.h5", "notes.h5", "step-+0000001.h5"]
        _ = try OutputDirectory(creating: scene.temporary.path("checkpoints"))
        for name in others { try scene.temporary.write("", to: "checkpoints/\(name)") }
        let store = try scene.store(limit: 1)
        for step in [2, 3] { try scene.save(step, in: store) }
        #expect(
            try scene.temporary.names("checkpoints") == (others + ["step-00000003.h5"]).sorted())
    }

    @Test func whatAnEarlierLongerRunLeftGoesFirst() throws {
        let scene = try Scene()
        _ = try OutputDirectory(creating: scene.temporary.path("checkpoints"))
        for step in ["00000800", "00000900"] {
            try scene.temporary.write("", to: "checkpoints/step-\(step).h5")
        }
        let store = try scene.store(limit: 2)
        try scene.save(5, in: store)
        #expect(try scene.temporary.names("checkpoints") == ["step-00000005.h5", "step-00000900.h5"])
        try scene.save(10, in: store)
        #expect(try scene.temporary.names("checkpoints") == ["step-00000005.h5", "step-00000010.h5"])
    }

    @Test func stepsAreComparedAsNumbers() throws {
        let scene = try Scene()
        let store = try scene.store(limit: 1)
        for step in [99_999_999, 100_000_000] { try scene.save(step, in: store) }
        #expect(try scene.temporary.names("checkpoints") == ["step-100000000.h5"])
    }

    @Test func aPlaceWithoutRoomForCheckpointsIsAnError() throws {
        let scene = try Scene()
        try scene.temporary.write("", to: "checkpoints")
        let store = try scene.store(limit: 1)
        let error = try #require(throws: CheckpointError.self) { try scene.save(1, in: store) }
        #expect(error.category == .cannotCreate && error.path == scene.temporary.path("checkpoints"))
    }
}
