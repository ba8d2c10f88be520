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
        func save(_ step: Int, in store: CheckpointStore) throws -> String {
            try store.saveState(
                step: step, epoch: 0.5, progress: Self.progress, parameters: loaded.parameters,
                optimizer: optimizer)
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
        #expect(file.contents.progress == Scene.progress)
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
            "final.h5", step: 7, epoch: 1, parameters: scene.loaded.parameters)
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
