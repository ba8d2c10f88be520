import Foundation
import SwiftProtobuf

/// A file of events for TensorBoard, which watches it grow. Every event is in the file as soon as it is added, so
/// what a killed program leaves is whole.
package final class EventFile {
    package let path: String
    /// Open to be read as well.
    package let descriptor: Int32
    private let sink: AtomicFile.Sink

    private static let prefix = "events.out.tfevents."
    /// What the first record says of who wrote the file.
    private static let writer = "dure"

    /// Begins a file in `folder`, named as TensorFlow does, so that it comes after all that are there. Throws
    /// `CheckpointError`.
    ///
    /// - time: seconds since 1970.
    package convenience init(creatingIn folder: String, host: String, time: Double) throws {
        let (path, descriptor) = try Self.create(in: folder, host: host, time: time)
        try self.init(path: path, descriptor: descriptor, time: time)
    }

    private static func create(
        in folder: String, host: String, time: Double
    ) throws -> (path: String, descriptor: Int32) {
        let safeHost = String(String.UnicodeScalarView(host.unicodeScalars.map { $0 == "/" ? "_" : $0 }))
        var second = max(Int(exactly: time.rounded(.down)) ?? 0, newestSecond(in: folder) + 1)
        while true {
            let name = "\(prefix)\(padded(second)).\(safeHost).\(getpid()).0"
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
            if descriptor >= 0 { return (path, descriptor) }
            guard errno == EEXIST || errno == EINTR else {
                throw CheckpointError.cannotWrite(path, "be created", errno: errno, created: false)
            }
            second += 1
        }
    }

    /// - descriptor: open to be written at its end; closed with this.
    init(path: String, descriptor: Int32, time: Double) throws {
        self.path = path
        self.descriptor = descriptor
        sink = AtomicFile.Sink(descriptor: descriptor, path: path)
        var event = Tensorflow_Event()
        event.wallTime = time
        event.fileVersion = "brain.Event:2"
        event.sourceMetadata.writer = Self.writer
        try add(event)
    }

    deinit { close(descriptor) }

    /// Adds numbers of a step by their tags. Throws `CheckpointError`.
    ///
    /// - time: seconds since 1970.
    package func addScalars(_ scalars: [(tag: String, value: Float)], step: Int, time: Double) throws {
        guard !scalars.isEmpty else { return }
        try add(Self.event(scalars, step: step, time: time))
    }

    /// Adds a text in Markdown. Throws `CheckpointError`.
    package func addText(_ text: String, tag: String, step: Int, time: Double) throws {
        try add(Self.event(text, tag: tag, step: step, time: time))
    }

    /// Says that the run begins, or goes on, with `step`: what earlier files have of it and later ones comes again. To be
    /// in the first file of a run too. Throws `CheckpointError`.
    package func addStart(step: Int, time: Double) throws {
        var event = Self.event(step: step, time: time)
        event.sessionLog.status = .start
        try add(event)
    }

    private func add(_ event: Tensorflow_Event) throws {
        let record: [UInt8] = try event.serializedBytes()
        // One call, so that nobody sees half an event.
        try TFRecordFile.frame(record).withUnsafeBytes(sink.write)
    }
}

// MARK: Events

extension EventFile {
    static func event(_ scalars: [(tag: String, value: Float)], step: Int, time: Double) -> Tensorflow_Event {
        var event = event(step: step, time: time)
        event.summary.value = scalars.map { tag, value in
            var member = Tensorflow_Summary.Value()
            member.tag = tag
            member.simpleValue = value
            return member
        }
        return event
    }

    static func event(_ text: String, tag: String, step: Int, time: Double) -> Tensorflow_Event {
        var value = Tensorflow_Summary.Value()
        value.tag = tag
        value.metadata.pluginData.pluginName = "text"
        value.tensor.dtype = .dtString
        // Without dimensions: one text.
        value.tensor.tensorShape = Tensorflow_TensorShapeProto()
        value.tensor.stringVal = [Data(text.utf8)]
        var event = event(step: step, time: time)
        event.summary.value = [value]
        return event
    }

    private static func event(step: Int, time: Double) -> Tensorflow_Event {
        var event = Tensorflow_Event()
        event.wallTime = time
        event.step = Int64(step)
        return event
    }
}

// MARK: Files that are there

extension EventFile {
    /// Whether files of events have such names.
    package static func isName(_ name: String) -> Bool { name.utf8.starts(with: prefix.utf8) }

    /// Whether this program wrote the file at `path`.
    package static func isOwn(_ path: String) -> Bool {
        struct Enough: Error {}
        var isOwn = false
        guard let file = try? MappedFile(path: path) else { return false }
        // The first record says it; a later one may be cut off.
        try? TFRecordFile.forEachRecord(of: file) { _, record in
            let event = try Tensorflow_Event(serializedBytes: Array(record))
            isOwn = event.sourceMetadata.writer == writer
            throw Enough()
        }
        return isOwn
    }

    /// TensorBoard reads files in the order of their names.
    private static func newestSecond(in folder: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let seconds = names.filter(isName).compactMap { name in
            name.dropFirst(prefix.count).split(separator: ".").first.flatMap { Int($0) }
        }
        // What is no time must not keep the next file from having one.
        return seconds.filter { $0 < 10_000_000_000 }.max() ?? 0
    }

    private static func padded(_ second: Int) -> String {
        let digits = String(second)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }
}
