import Checkpoints
import Foundation
import QuestionAnswering
import Testing
import Training

@Suite struct MetricsLogTests {
    /// Step n of a script: loss n, n features of which one start is right, and so on.
    private static func report(_ step: Int, features: Int? = nil) -> StepReport {
        let features = features ?? step
        return StepReport(
            step: step, epoch: Double(step) / 4,
            loss: StepLoss(
                loss: Double(step), correctStarts: 1, correctEnds: features, features: features,
                tokens: 10 * features),
            learningRate: Double(step) / 10, gradientNorm: 2 * Double(step), seconds: 2,
            computeSeconds: 1.5, communicationSeconds: 0.5, rankSeconds: [1.25, 1.5, 1.75, 1.5])
    }

    private static func lines(interval: Int, _ events: [TrainingEvent]) throws -> [[String: Any]] {
        let temporary = try TemporaryFolder()
        let log = try MetricsLog(path: temporary.path("metrics.jsonl"), interval: interval)
        for event in events { try log.observe(event) }
        return try temporary.text("metrics.jsonl").split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func linesAreMeansOverTheStepsSinceTheLast() throws {
        let lines = try Self.lines(
            interval: 3, (1...4).map { .stepped(Self.report($0)) } + [.finished(step: 4)])
        #expect(lines.map { $0["step"] as? Int } == [3, 4])
        let first = try #require(lines.first)
        #expect(first["event"] as? String == "train")
        let expected = [
            "epoch": 0.75, "loss": 2, "learning_rate": 0.2, "grad_norm": 4, "end_accuracy": 1,
            "samples_per_second": 1, "tokens_per_second": 10, "step_seconds": 2, "compute_seconds": 1.5,
            "communication_seconds": 0.5, "waiting_seconds": 0.25,
            "imbalance": 1.0 / 6,
        ]
        for (key, value) in expected {
            let actual = try #require(first[key] as? Double, "\(key)")
            #expect(abs(actual - value) < 1e-12, "\(key)")
        }
        #expect(first["rank_compute_seconds"] as? [Double] == [1.25, 1.5, 1.75, 1.5])
        let accuracy = try #require(first["start_accuracy"] as? Double)
        #expect(abs(accuracy - (1 + 0.5 + 1.0 / 3) / 3) < 1e-12)
        #expect(lines[1]["loss"] as? Double == 4 && lines[1]["samples_per_second"] as? Double == 2)
        #expect(
            Set(first.keys)
                == Set(expected.keys).union(["event", "step", "start_accuracy", "rank_compute_seconds"]),
            "the keys of the interface and no others")
    }

    @Test func everyStepHasItsLineWithAnIntervalOfOne() throws {
        let lines = try Self.lines(
            interval: 1, (1...3).map { .stepped(Self.report($0)) } + [.finished(step: 3)])
        #expect(lines.map { $0["loss"] as? Double } == [1, 2, 3])
    }

    @Test func linesKeepTheOrderOfTheInterface() throws {
        let temporary = try TemporaryFolder()
        let log = try MetricsLog(path: temporary.path("m"), interval: 1)
        try log.observe(.stepped(Self.report(1)))
        #expect(
            try temporary.text("m").hasPrefix(
                #"{"event":"train","step":1,"epoch":0.25,"loss":1.0,"learning_rate":0.1,"grad_norm":2.0,"#))
        try log.observe(.saved(SavedCheckpoint(step: 1, path: "checkpoints/step-00000001.h5")))
        #expect(
            try temporary.text("m").hasSuffix(
                "\n" + #"{"event":"save","step":1,"path":"checkpoints/step-00000001.h5"}"# + "\n"))
    }

    @Test func evaluationsHaveLossAndAllMetrics() throws {
        let lines = try Self.lines(
            interval: 10,
            [.evaluationStarted(step: 7), .evaluated(step: 7, epoch: 1.75, .untrained), .finished(step: 7)])
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(line["event"] as? String == "eval" && line["step"] as? Int == 7)
        #expect(line["loss"] as? Double == 5)
        for key in ["exact_match", "f1", "korquad_exact_match", "korquad_f1", "edit_distance"] {
            #expect(line[key] is Double, "\(key)")
        }
    }

    @Test func numbersThatAreNotFiniteLeaveALineReadable() throws {
        let loss = StepLoss(loss: .nan, correctStarts: 0, correctEnds: 0, features: 1, tokens: 1)
        let report = StepReport(
            step: 1, epoch: 1, loss: loss, learningRate: 0, gradientNorm: .infinity, seconds: 0,
            computeSeconds: 0, communicationSeconds: 0)
        let line = try #require(try Self.lines(interval: 1, [.stepped(report)]).first)
        #expect(line["loss"] is NSNull && line["grad_norm"] is NSNull)
        #expect(line["samples_per_second"] is NSNull)
    }

    /// Lines of a log that stopped after `stop` of `steps` steps, was killed after `killed`, and went on.
    private static func resumed(stop: Int, killed: Int, steps: Int, interval: Int) throws -> [String] {
        let temporary = try TemporaryFolder()
        let path = temporary.path("metrics.jsonl")
        var window = ""
        let first = try MetricsLog(path: path, interval: interval)
        for step in 1...killed {
            try first.observe(.stepped(report(step)))
            if step == stop { window = first.window.text }
        }
        let cut = FileHandle(forWritingAtPath: path)
        try cut?.seekToEnd()
        try cut?.write(contentsOf: Data(#"{"event":"train","step":1"#.utf8))
        let second = try MetricsLog(
            path: path, interval: interval, resumingAfter: stop,
            window: try #require(MetricsWindow(text: window)), checkpoint: "checkpoints/x.h5")
        for step in stop + 1...steps { try second.observe(.stepped(report(step))) }
        try second.observe(.finished(step: steps))
        return try temporary.text("metrics.jsonl").split(separator: "\n").map(String.init)
    }

    @Test(arguments: [(1, 1), (3, 3), (4, 5), (4, 9), (6, 11)])
    func aLogGoesOnAsIfTheRunHadNeverStopped(stop: Int, killed: Int) throws {
        let temporary = try TemporaryFolder()
        let whole = try MetricsLog(path: temporary.path("metrics.jsonl"), interval: 3)
        for step in 1...11 { try whole.observe(.stepped(Self.report(step))) }
        try whole.observe(.finished(step: 11))
        let expected = try temporary.text("metrics.jsonl").split(separator: "\n").map(String.init)
        let lines = try Self.resumed(stop: stop, killed: killed, steps: 11, interval: 3)
        #expect(lines.filter { $0.contains("train") } == expected)
        #expect(
            lines.count { $0.contains(#""event":"save","step":\#(stop),"path":"checkpoints/x.h5""#) } == 1)
    }

    @Test func aRunKilledAfterItsLastLineHasThatLineOnce() throws {
        let temporary = try TemporaryFolder()
        let path = temporary.path("metrics.jsonl")
        let first = try MetricsLog(path: path, interval: 4)
        for step in 1...6 { try first.observe(.stepped(Self.report(step))) }
        let window = first.window
        try first.observe(.finished(step: 6))
        let before = try temporary.text("metrics.jsonl")
        let second = try MetricsLog(
            path: path, interval: 4, resumingAfter: 6, window: window, checkpoint: nil)
        try second.observe(.finished(step: 6))
        #expect(try temporary.text("metrics.jsonl") == before)
    }

    @Test func aResumeHasALineOfItsOwn() throws {
        let point = ResumedPoint(step: 4, epoch: 1.5, path: "out/checkpoints/x.h5", ranks: 3)
        let line = try #require(try Self.lines(interval: 1, [.resumed(point)]).first)
        #expect(line["event"] as? String == "resume" && line["step"] as? Int == 4)
        #expect(line["path"] as? String == point.path && line["ranks"] as? Int == 3)
    }

    /// A report of a step that so many ranks took.
    private static func report(ranks: [Double]) -> StepReport {
        StepReport(
            step: 1, epoch: 1,
            loss: StepLoss(loss: 1, correctStarts: 0, correctEnds: 0, features: 1, tokens: 1),
            learningRate: 0, gradientNorm: 0, seconds: 1, computeSeconds: 1, communicationSeconds: 0,
            rankSeconds: ranks)
    }

    @Test func aWindowKeepsEachRanksMean() throws {
        var window = MetricsWindow()
        window.add(Self.report(ranks: [1, 2]))
        window.add(Self.report(ranks: [3, 2]))
        let read = try #require(MetricsWindow(text: window.text))
        #expect(read == window && read.means()?.rankComputeSeconds == [2, 2])
    }

    @Test func aWindowThatGoesOnWithOtherRanksHasTheirMeans() throws {
        var window = MetricsWindow()
        window.add(Self.report(ranks: [1, 2]))
        window.add(Self.report(ranks: [4, 5, 6]))
        window.add(Self.report(ranks: [6, 7, 8]))
        #expect(window.means()?.rankComputeSeconds == [5, 6, 7] && window.count == 3)
    }

    /// As checkpoints had it before ranks had times of their own.
    @Test func anOlderWindowIsRead() throws {
        var window = MetricsWindow()
        window.add(Self.report(ranks: [1, 2]))
        let old = window.text.split(separator: " ").prefix(15).joined(separator: " ")
        var read = try #require(MetricsWindow(text: old))
        #expect(read.means()?.rankComputeSeconds == [] && read.means()?.loss == 1)
        read.add(Self.report(ranks: [3, 4]))
        #expect(read.means()?.rankComputeSeconds == [3, 4] && read.count == 2)
    }

    @Test(arguments: ["", "1 2", "x", "1 2 3 4 5 6 7 8 9 a b c d e f g"])
    func whatIsNoWindowIsRefused(text: String) {
        #expect(MetricsWindow(text: text) == nil)
    }

    @Test func aRunWithoutStepsSinceTheLastLineAddsNone() throws {
        #expect(try Self.lines(interval: 1, [.stepped(Self.report(1)), .finished(step: 1)]).count == 1)
        #expect(MetricsWindow().means() == nil)
    }

    @Test func aPlaceWithoutRoomForTheFileIsAnError() throws {
        let temporary = try TemporaryFolder()
        let path = temporary.path("missing/metrics.jsonl")
        let error = try #require(throws: CheckpointError.self) {
            _ = try MetricsLog(path: path, interval: 1)
        }
        #expect(error.category == .cannotCreate && error.path == path)
    }
}
