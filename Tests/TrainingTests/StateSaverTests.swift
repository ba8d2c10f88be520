import Checkpoints
import Foundation
import Kernels
import Model
import Synchronization
import Testing

@testable import Training

@Suite struct StateSaverTests {
    private struct Scene {
        let temporary: TemporaryFolder
        let loaded: LoadedModel
        let optimizer: AdamW
        let pool = WorkerPool(threadCount: 2)

        init() throws {
            temporary = try TemporaryFolder()
            loaded = try SampleModel.load()
            optimizer = try AdamW(layout: loaded.layout, settings: OptimizerSettings(), pool: pool)
            fill(1)
        }

        func fill(_ value: Float) {
            loaded.parameters.fill(value)
            optimizer.firstMoment.fill(value + 1)
            optimizer.secondMoment.fill(value + 2)
        }

        func saver(copies: Bool = true, flush: @escaping @Sendable () throws -> Void = {}) throws
            -> StateSaver
        {
            StateSaver(
                store: CheckpointStore(
                    directory: try OutputDirectory(creating: temporary.path), limit: 3,
                    model: loaded.folder, layout: loaded.layout,
                    tokenizerSettings: try loaded.tokenizer.checkpointAttributes()),
                parameters: loaded.parameters, optimizer: optimizer, pool: pool, copies: copies,
                context: StateSaver.Context(
                    seed: 1, settings: "{}", stepsPerEpoch: 4, batchSize: 2,
                    additional: { ["x": .integer(7)] }, flushLog: flush))
        }

        /// Whether the checkpoint of `step` has these numbers in all tensors.
        func holds(_ value: Float, _ step: Int) throws -> Bool {
            let file = try CheckpointFile(
                trainingState: temporary.path(CheckpointFolder.relativePath(of: step)))
            let buffers = (0..<3).map { _ in FloatBuffer(count: loaded.layout.count) }
            _ = try file.loadWeights(layout: loaded.layout, into: buffers[0].buffer)
            try file.readOptimizer(
                layout: loaded.layout, average: buffers[1].buffer, squaredAverage: buffers[2].buffer)
            return buffers.enumerated().allSatisfy { index, buffer in
                buffer.buffer.allSatisfy { $0 == value + Float(index) }
            }
        }
    }

    @Test func whatIsWrittenIsTheStateAtTheTimeOfAsking() throws {
        let scene = try Scene()
        let mayWrite = DispatchSemaphore(value: 0)
        let saver = try scene.saver { mayWrite.wait() }
        var state = RunState(step: 6)
        state.best = BestEvaluation(value: 0.5, step: 4)
        state.evaluationsWithoutImprovement = 2
        state.owesEvaluation = true
        try saver.begin(SavingRequest(state: true), state, epoch: 1.5)
        #expect(saver.written().isEmpty && !saver.hasFailed)
        // Training goes on.
        saver.prepareForChange()
        scene.fill(100)
        mayWrite.signal()
        try saver.finish()
        let written = saver.written()
        #expect(written.map(\.path) == ["checkpoints/step-00000006.h5"] && written[0].step == 6)
        #expect(written[0].waitSeconds ?? -1 >= 0 && written[0].writeSeconds ?? -1 >= 0)
        #expect(saver.written().isEmpty)
        #expect(try scene.holds(1, 6))
        let file = try CheckpointFile(trainingState: scene.temporary.path("checkpoints/step-00000006.h5"))
        let progress = try #require(file.contents.progress)
        #expect(progress.epochIndex == 1 && progress.epochPosition == 4)
        #expect(progress.bestMetric == 0.5 && progress.bestStep == 4)
        #expect(progress.evaluationsWithoutImprovement == 2)
        #expect(progress.additional["x"] == .integer(7))
        #expect(progress.additional[ProgressKey.owesEvaluation] == .flag(true))
    }

    @Test(arguments: [0, 1, 100, 5000, 41_000, 90_000]) func whatWasNotReadYetIsCopied(after read: Int) throws
    {
        let count = 30_000
        let buffers = (0..<3).map { part in
            let buffer = FloatBuffer(count: count)
            for index in 0..<count { buffer.pointer[index] = Float(part * count + index) }
            return buffer
        }
        let tensors = ChangingTensors(buffers)
        let reader = ChangingTensors.Reader(tensors, isLast: true)
        var values: [Float] = []
        for part in CheckpointPart.allCases {
            for start in stride(from: 0, to: count, by: 1000) {
                if values.count <= read, read < values.count + 1000 {
                    tensors.copyRest(WorkerPool(threadCount: 2))
                    for buffer in buffers { buffer.fill(-1) }
                }
                try reader.withElements(of: part, in: start..<start + 1000) { values += $0 }
            }
        }
        #expect(values == (0..<3 * count).map(Float.init))
    }

    @Test func weightsAreReadOnceMoreForTheBest() throws {
        let buffer = FloatBuffer(count: 10)
        let tensors = ChangingTensors([buffer])
        let first = ChangingTensors.Reader(tensors, isLast: false)
        try first.withElements(of: .parameters, in: 0..<10) { #expect($0.allSatisfy { $0 == 0 }) }
        tensors.copyRest(WorkerPool(threadCount: 1))
        buffer.fill(1)
        let second = ChangingTensors.Reader(tensors, isLast: true)
        try second.withElements(of: .parameters, in: 0..<10) { #expect($0.allSatisfy { $0 == 0 }) }
    }

    @Test func theNextCopyWaitsForTheLastFile() throws {
        let scene = try Scene()
        let saver = try scene.saver()
        for step in 1...5 {
            saver.prepareForChange()
            scene.fill(Float(step))
            try saver.begin(SavingRequest(state: true), RunState(step: step), epoch: 0)
        }
        try saver.finish()
        #expect(saver.written().map(\.step) == [1, 2, 3, 4, 5])
        for step in 3...5 { #expect(try scene.holds(Float(step), step)) }
    }

    @Test func withoutMemoryForACopyTheFileIsThereBeforeAnythingChanges() throws {
        let scene = try Scene()
        let saver = try scene.saver(copies: false)
        try saver.begin(SavingRequest(state: true, best: true), RunState(step: 2), epoch: 0)
        saver.prepareForChange()
        scene.fill(9)
        #expect(try scene.holds(1, 2))
        #expect(try scene.temporary.names() == ["best.h5", "checkpoints"])
    }

    @Test func theBestComesBeforeTheCheckpointThatNamesIt() throws {
        let scene = try Scene()
        let saver = try scene.saver()
        try FileManager.default.createDirectory(
            atPath: scene.temporary.path("best.h5"), withIntermediateDirectories: false)
        try saver.begin(SavingRequest(state: true, best: true), RunState(step: 2), epoch: 0)
        #expect(throws: CheckpointError.self) { try saver.finish() }
        #expect(try scene.temporary.names() == ["best.h5"])
    }

    @Test func aFailureIsToldLaterAndAgain() throws {
        struct Full: Error {}
        let scene = try Scene()
        let saver = try scene.saver { throw Full() }
        try saver.begin(SavingRequest(state: true), RunState(step: 2), epoch: 0)
        #expect(throws: Full.self) { try saver.finish() }
        #expect(saver.hasFailed)
        #expect(throws: Full.self) {
            try saver.begin(SavingRequest(state: true), RunState(step: 3), epoch: 0)
        }
        #expect(try scene.temporary.names().isEmpty)
    }
}
