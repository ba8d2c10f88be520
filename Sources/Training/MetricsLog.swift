import Checkpoints
import Foundation
import QuestionAnswering

/// Writes `metrics.jsonl`: one JSON object a line, written line by line so that a run can be watched.
package final class MetricsLog: TrainingObserver {
    private let path: String
    private let handle: FileHandle
    private let interval: Int
    /// The steps since the last line.
    package private(set) var window = MetricsWindow()
    /// Takes the members of every line as well.
    package var listener: (([(String, JSONValue)]) throws -> Void)?
    /// Is called before every line.
    package var beforeWriting: (() -> Void)?

    /// Begins the file anew.
    ///
    /// - interval: steps between lines of training.
    package convenience init(path: String, interval: Int) throws {
        try self.init(path: path, interval: interval, lines: [], window: MetricsWindow())
    }

    /// Goes on where a run stood after `step`: what it logged later goes, for it comes again.
    ///
    /// - window: the steps since the last line, up to that one.
    /// - checkpoint: what it goes on from, when this run had saved it: it may have been killed before it could log that.
    package convenience init(
        path: String, interval: Int, resumingAfter step: Int, window: MetricsWindow, checkpoint: String?
    ) throws {
        let lines = try MetricsLines(path: path).upTo(step, logged: step - window.count)
        try self.init(path: path, interval: interval, lines: lines, window: window)
        guard let checkpoint, !lines.contains(where: { $0.event == "save" && $0.step == step }) else {
            return
        }
        try observe(.saved(SavedCheckpoint(step: step, path: checkpoint)))
    }

    private init(path: String, interval: Int, lines: [MetricsLines.Line], window: MetricsWindow) throws {
        self.path = path
        self.interval = interval
        self.window = window
        // Whole or not at all: the old lines are lost in neither case.
        try AtomicFile.write(lines.map { $0.text + "\n" }.joined(), to: path)
        guard let handle = FileHandle(forUpdatingAtPath: path) else {
            throw CheckpointError(
                .cannotCreate, "the file cannot be opened", path: path,
                remedy: "check the permissions of the output folder")
        }
        self.handle = handle
        do {
            try handle.seekToEnd()
        } catch {
            throw CheckpointError(
                .ioFailed, "the file cannot be read", path: path, remedy: "check the disk, then run again")
        }
    }

    deinit { try? handle.close() }

    /// The file as one that stays open.
    var open: OpenLog { OpenLog(name: RunFolder.metricsName, descriptor: handle.fileDescriptor) }

    /// Brings all lines to the disk. Any thread may call it.
    package var flush: @Sendable () throws -> Void {
        { [descriptor = handle.fileDescriptor, path] in
            guard fsync(descriptor) == 0 || [EINVAL, ENOTSUP, EINTR].contains(errno) else {
                throw CheckpointError.cannotWrite(path, "be flushed to disk", errno: errno, created: true)
            }
        }
    }

    package func observe(_ event: TrainingEvent) throws {
        switch event {
        case .stepped(let report):
            window.add(report)
            if report.step % interval == 0 { try writeWindow() }
        case .skipped(let step, let epoch, let reason):
            try write([
                ("event", "skip"), ("step", .integer(step)), ("epoch", .number(epoch)),
                ("reason", .string(reason)),
            ])
        case .evaluated(let step, let epoch, let result, _):
            try write(
                [("event", "eval"), ("step", .integer(step)), ("epoch", .number(epoch))] + result.members)
        case .saved(let checkpoint):
            try write(
                [("event", "save"), ("step", .integer(checkpoint.step)), ("path", .string(checkpoint.path))]
                    + [
                        ("wait_seconds", checkpoint.waitSeconds), ("write_seconds", checkpoint.writeSeconds),
                    ].compactMap { name, seconds in seconds.map { (name, .number($0)) } })
        case .resumed(let point):
            try write([
                ("event", "resume"), ("step", .integer(point.step)), ("epoch", .number(point.epoch)),
                ("path", .string(point.path)), ("ranks", .integer(point.ranks)),
            ])
        case .finished:
            try writeWindow()
        case .started, .evaluationStarted, .savingStarted: break
        }
    }

    private func writeWindow() throws {
        guard let means = window.means() else { return }
        try write([("event", "train")] + means.members)
        window = MetricsWindow()
    }

    private func write(_ members: [(String, JSONValue)]) throws {
        beforeWriting?()
        do {
            try handle.write(contentsOf: Data((JSONValue.object(members).compact + "\n").utf8))
        } catch {
            throw CheckpointError(
                .ioFailed, "writing failed", path: path, remedy: "make room on the disk, then run again")
        }
        try listener?(members)
    }
}

/// The lines of a `metrics.jsonl`.
struct MetricsLines {
    struct Line {
        let text: String
        let event: String
        let step: Int
    }

    /// Without what is no line of this program's: a last one that was cut off, say.
    let lines: [Line]

    /// None where there is no such file.
    init(path: String) throws {
        guard access(path, F_OK) == 0 else {
            lines = []
            return
        }
        let bytes = try MappedFile.contents(of: path)
        lines = bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let head = try? JSONDecoder().decode(Head.self, fromText: Data(line)) else { return nil }
            return Line(text: String(decoding: line, as: UTF8.self), event: head.event, step: head.step)
        }
    }

    /// Those that a run had written when it stood after `step`.
    ///
    /// - logged: the last step that a line of training had told of. At the end of a run there is one more, of the steps
    ///   since, which comes again.
    func upTo(_ step: Int, logged: Int) -> [Line] {
        lines.filter { $0.step <= ($0.event == "train" ? logged : step) }
    }

    private struct Head: Decodable {
        let event: String
        let step: Int
    }
}
