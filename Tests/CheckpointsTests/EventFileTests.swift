import Foundation
import SwiftProtobuf
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct EventFileTests {
    /// What tensorboard's reader finds in a fixture.
    private struct Expected: Decodable {
        let wallTime: Double
        let step: Int
        let fileVersion: String?
        let tag: String?
        let simpleValue: Float?
        let text: String?

        enum CodingKeys: String, CodingKey {
            case wallTime = "wall_time"
            case fileVersion = "file_version"
            case simpleValue = "simple_value"
            case step, tag, text
        }
    }

    private static func records(_ path: String) throws -> [[UInt8]] {
        var records: [[UInt8]] = []
        try TFRecordFile.forEachRecord(of: MappedFile(path: path)) { records.append(Array($1)) }
        return records
    }

    private static func events(_ path: String) throws -> [Tensorflow_Event] {
        try records(path).map { try Tensorflow_Event(serializedBytes: $0) }
    }

    private static func fixture(_ name: String) throws -> (path: String, expected: [Expected]) {
        let folder = Paths.fixtures.appending(path: "events")
        let text = try Data(contentsOf: folder.appending(path: "expected.json"))
        let all = try JSONDecoder().decode([String: [Expected]].self, from: text)
        return (folder.appending(path: name).path(), try #require(all[name]))
    }

    /// `Tests/Fixtures/events/generate.py`.
    @Test(arguments: ["torch.tfevents", "tensorflow.tfevents"])
    func eventsOfOthersAreReadAndWrittenAgainByteForByte(name: String) throws {
        let (path, expected) = try Self.fixture(name)
        let records = try Self.records(path)
        #expect(records.count == expected.count)
        for (record, expected) in zip(records, expected) {
            let event = try Tensorflow_Event(serializedBytes: record)
            #expect(event.wallTime == expected.wallTime && event.step == Int64(expected.step))
            #expect(event.fileVersion == expected.fileVersion ?? "")
            #expect(event.unknownFields.data.isEmpty)
            #expect(try Array(event.serializedData()) == record)
            guard let tag = expected.tag else { continue }
            let own =
                expected.text.map {
                    EventFile.event($0, tag: tag, step: expected.step, time: expected.wallTime)
                }
                ?? EventFile.event(
                    [(tag, expected.simpleValue ?? .nan)], step: expected.step, time: expected.wallTime)
            #expect(try Array(own.serializedData()) == record, "\(tag)")
        }
    }

    @Test func eventsAreInTheFileAtOnce() throws {
        let folder = try TemporaryFolder()
        let file = try EventFile(creatingIn: folder.path, host: "node1", time: 1_700_000_000.5)
        #expect(file.path.hasSuffix("/events.out.tfevents.1700000000.node1.\(getpid()).0"))
        #expect(try Self.events(file.path).map(\.fileVersion) == ["brain.Event:2"])
        try file.addScalars([("a/b", 1.5), ("a/c", -2)], step: 3, time: 5)
        try file.addScalars([], step: 4, time: 5)
        try file.addText("| a |", tag: "t", step: 0, time: 6)
        try file.addStart(step: 8, time: 7)
        let events = try Self.events(file.path)
        #expect(events.count == 4 && events.map(\.step) == [0, 3, 0, 8])
        #expect(events[1].summary.value.map(\.tag) == ["a/b", "a/c"])
        #expect(events[1].summary.value.map(\.simpleValue) == [1.5, -2])
        #expect(events[2].summary.value[0].tensor.stringVal == [Data("| a |".utf8)])
        #expect(events[3].sessionLog.status == .start && events[3].wallTime == 7)
    }

    @Test func aLaterFileComesAfterAllOthersByName() throws {
        let folder = try TemporaryFolder()
        for name in [
            "events.out.tfevents.1700000009.other.1.0", "events.out.tfevents.x", "events.out.tfevents",
        ] {
            _ = try folder.write([UInt8](), to: name)
        }
        // The clock stands still, and then goes back.
        let files = try [1_700_000_000, 1_700_000_020, 1_700_000_020, 1_600_000_000, -5, .nan].map {
            try EventFile(creatingIn: folder.path, host: "a/b", time: $0)
        }
        let names = files.map { $0.path.split(separator: "/").last.map(String.init) ?? "" }
        #expect(names == names.sorted() && Set(names).count == names.count)
        #expect(names.allSatisfy { $0 > "events.out.tfevents.1700000009.other.1.0" })
        #expect(names[0].contains(".1700000010.a_b."))
    }

    @Test func onlyOwnFilesAreOwn() throws {
        let folder = try TemporaryFolder()
        let file = try EventFile(creatingIn: folder.path, host: "h", time: 1)
        try file.addScalars([("a", 1)], step: 1, time: 1)
        #expect(EventFile.isOwn(file.path))
        let bytes = try Data(contentsOf: URL(filePath: file.path))
        let cut = try folder.write(bytes.dropLast(3), to: "cut")
        #expect(EventFile.isOwn(cut), "killed while it wrote")
        for other in [[], Array("events".utf8), Array(bytes.dropFirst())] {
            #expect(!EventFile.isOwn(try folder.write(other, to: "other")))
        }
        #expect(!EventFile.isOwn(try Self.fixture("torch.tfevents").path))
        #expect(!EventFile.isOwn(folder.file("missing")))
    }

    @Test func aPlaceThatTakesNoFileIsAnError() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: CheckpointError.self) {
            try EventFile(creatingIn: folder.file("missing"), host: "h", time: 1)
        }
        #expect(error?.category == .cannotCreate)
        let full = #expect(throws: CheckpointError.self) {
            try EventFile(path: "/dev/full", descriptor: open("/dev/full", O_WRONLY), time: 1)
        }
        #expect(full?.category == .ioFailed && full?.path == "/dev/full")
    }
}
