import Checkpoints
import Foundation
import QuestionAnswering
import SwiftProtobuf
import Testing

@testable import Checkpoints
@testable import Training

@Suite struct EventLogTests {
    private static func events(in folder: TemporaryFolder) throws -> [[Tensorflow_Event]] {
        try folder.names().filter(EventFile.isName).map { name in
            var events: [Tensorflow_Event] = []
            try TFRecordFile.forEachRecord(of: MappedFile(path: folder.path(name))) { _, record in
                events.append(try Tensorflow_Event(serializedBytes: Array(record)))
            }
            return events
        }
    }

    /// The numbers of events, those that a start after the first makes void left out, as TensorBoard does.
    private static func scalars(in folder: TemporaryFolder) throws -> [String: [Int: Float]] {
        var scalars: [String: [Int: Float]] = [:]
        var starts = 0
        for event in try events(in: folder).flatMap(\.self) {
            if event.sessionLog.status == .start { starts += 1 }
            if event.sessionLog.status == .start, starts > 1 {
                scalars = scalars.mapValues { $0.filter { $0.key < event.step } }
            }
            for value in event.summary.value {
                guard case .simpleValue = value.value else { continue }
                #expect(scalars[value.tag]?[Int(event.step)] == nil, "\(value.tag) twice at \(event.step)")
                scalars[value.tag, default: [:]][Int(event.step)] = value.simpleValue
            }
        }
        return scalars
    }

    private static func log(_ folder: TemporaryFolder, interval: Int) throws -> MetricsLog {
        let log = try MetricsLog(path: folder.path("metrics.jsonl"), interval: interval)
        log.listener = try EventLog(folder: folder.path).add
        return log
    }

    @Test func everyNumberOfALineHasATag() throws {
        let folder = try TemporaryFolder()
        let log = try Self.log(folder, interval: 2)
        for step in 1...4 { try log.observe(.stepped(.scripted(step))) }
        try log.observe(.evaluated(step: 4, epoch: 0.8, .untrained))
        var saved = SavedCheckpoint(step: 4, path: "x")
        saved.writeSeconds = 1.25
        try log.observe(.saved(saved))
        let scalars = try Self.scalars(in: folder)
        #expect(scalars["train/loss"] == [2: 1.5, 4: 3.5])
        #expect(scalars["train/learning_rate"] == [2: 0.1, 4: 0.1])
        #expect(scalars["eval/loss"] == [4: 5] && scalars["eval/f1"] == [4: 0])
        #expect(scalars["save/write_seconds"] == [4: 1.25])
        #expect(!scalars.keys.contains { $0.hasSuffix("/step") || $0.hasSuffix("/event") })
    }

    @Test func membersThatAreNoNumbersAreLeftOut() throws {
        let folder = try TemporaryFolder()
        let log = try EventLog(folder: folder.path)
        try log.add([
            ("event", "train"), ("step", 3), ("loss", 0.5), ("rank_compute_seconds", [1.5, 2.5]),
            ("path", "p"), ("nothing", nil), ("flag", true), ("count", 7), ("float", .float(0.25)),
            ("infinite", .number(.infinity)),
        ])
        #expect(
            try Self.scalars(in: folder) == [
                "train/loss": [3: 0.5], "train/count": [3: 7], "train/float": [3: 0.25],
                "train/infinite": [3: .infinity],
            ])
    }

    @Test(arguments: [(4, 4), (4, 7), (6, 6), (6, 9), (7, 8)])
    func whatComesAgainIsNotShownTwice(stop: Int, killed: Int) throws {
        let folder = try TemporaryFolder()
        let first = try Self.log(folder, interval: 3)
        var window = MetricsWindow()
        for step in 1...killed {
            try first.observe(.stepped(.scripted(step)))
            if step % 2 == 0 { try first.observe(.evaluated(step: step, epoch: 1, .untrained)) }
            if step == stop { window = first.window }
        }
        // The line at the end of a run that comes to one.
        if killed == stop { try first.observe(.finished(step: killed)) }
        let second = try MetricsLog(
            path: folder.path("metrics.jsonl"), interval: 3, resumingAfter: stop, window: window,
            checkpoint: nil)
        second.listener = try EventLog(folder: folder.path, resuming: (stop, logged: stop - window.count)).add
        for step in stop + 1...12 {
            try second.observe(.stepped(.scripted(step)))
            if step % 2 == 0 { try second.observe(.evaluated(step: step, epoch: 1, .untrained)) }
        }
        let scalars = try Self.scalars(in: folder)
        #expect(scalars["train/loss"] == [3: 2, 6: 5, 9: 8, 12: 11])
        #expect(scalars["eval/loss"]?.keys.sorted() == [2, 4, 6, 8, 10, 12])
        #expect(try Self.events(in: folder).count == 2)
    }

    @Test func settingsAreTables() throws {
        let folder = try TemporaryFolder()
        try EventLog(folder: folder.path).describe([
            "ranks": 2, "hosts": ["node1", "node2"], "blas": ["core": "a|b"], "resumed": nil,
            "settings": ["learning-rate": 5e-5, "train-file": ["두레_1.json"], "model": "line\nbreak"],
        ])
        let texts = try Self.events(in: folder).flatMap(\.self).flatMap(\.summary.value)
        #expect(texts.map(\.tag) == ["settings", "run"])
        #expect(texts.allSatisfy { $0.metadata.pluginData.pluginName == "text" })
        #expect(
            texts.flatMap(\.tensor.stringVal).map { String(decoding: $0, as: UTF8.self) } == [
                "| setting | value |\n|---|---|\n| learning-rate | 5e-05 |\n"
                    + #"| train-file | 두레\_1.json |"# + "\n| model | line break |",
                "| run | value |\n|---|---|\n| ranks | 2 |\n| hosts | node1, node2 |\n"
                    + #"| blas core | a\|b |"# + "\n| resumed | null |",
            ])
    }
}
