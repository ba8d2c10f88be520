import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Files changed at random: each is read or refused, whatever it holds. `DURE_TEST_FUZZ_SECONDS` makes the tests go on
/// for that long, each.
struct TorchFuzzTests {
    private static let seconds = ProcessInfo.processInfo.environment["DURE_TEST_FUZZ_SECONDS"].flatMap(
        Double.init)
    private static let iterations = 2000

    @Test func archives() throws {
        let names = ["tiny", "views", "types", "nested", "repacked"]
        try fuzz("zip", names.map { try bytes(of: torchFixture("\($0).bin")) }, seed: 1) { file, _ in file }
    }

    @Test func picklesInArchives() throws {
        let archives = try ["tiny", "views", "types", "zip-protocol4", "parameters"].map(Self.archive)
        try fuzz("pickle in an archive", archives.map(\.pickle), seed: 2) { pickle, input in
            TorchWriter.archive(pickle: pickle, storages: archives[input].storages)
        }
    }

    @Test func streams() throws {
        let names = ["tiny-stream", "views-stream", "types-stream", "python2", "parameters-stream"]
        try fuzz("stream", names.map { try bytes(of: torchFixture("\($0).bin")) }, seed: 3) { file, _ in file
        }
    }

    /// What an archive among the fixtures holds.
    private static func archive(
        _ name: String
    ) throws -> (pickle: [UInt8], storages: [(key: String, elements: [UInt8])]) {
        let file = try bytes(of: torchFixture("\(name).bin"))
        var budget = MemoryBudget(fileSize: file.count, path: name)
        let archive = try file.withUnsafeBytes { try ZipArchive($0, path: name, budget: &budget) }
        let pickle = try #require(archive.entries.first { $0.name.hasSuffix("/data.pkl") })
        let storages = archive.entries.filter { $0.name.contains("/data/") }.map { entry in
            (key: entry.name.components(separatedBy: "/")[2], elements: Array(file[entry.range]))
        }
        return (Array(file[pickle.range]), storages)
    }

    /// Reads `inputs`, changed at random and put into a file by `wrap`.
    private func fuzz(
        _ name: String, _ inputs: [[UInt8]], seed: UInt64, _ wrap: ([UInt8], Int) -> [UInt8]
    ) throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: seed)
        let start = ContinuousClock.now
        var count = 0
        var refused = 0
        while Self.seconds.map({ ContinuousClock.now - start < .seconds($0) }) ?? (count < Self.iterations) {
            let input = Int.random(in: inputs.indices, using: &generator)
            var changed = inputs[input]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                Self.change(&changed, inputs, &generator)
            }
            let path = try folder.write(wrap(changed, input), to: "case.bin")
            do { try read(path) } catch is CheckpointError { refused += 1 }
            count += 1
        }
        #expect(refused > count / 4 && refused < count, "\(name): \(refused) of \(count) refused")
        if Self.seconds != nil { print("fuzzing \(name): \(count) files, \(refused) refused") }
    }

    private func read(_ path: String) throws {
        let file = try TorchFile(path: path)
        #expect(file.memory.used <= file.memory.limit)
        for index in file.weights.indices {
            let size = file.weights[index].type.bitsPerElement / 8
            let count = try file.withElements(of: index) { $0.count }
            #expect(count == file.weights[index].shape.reduce(size, *))
        }
        try file.verify()
    }

    private static func change(
        _ bytes: inout [UInt8], _ others: [[UInt8]], _ generator: inout SeededGenerator
    ) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: bytes.indices, using: &generator)
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &generator))
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes[place] = opcodes[Int.random(in: opcodes.indices, using: &generator)]
        case 3: bytes.insert(opcodes[Int.random(in: opcodes.indices, using: &generator)], at: place)
        case 4: bytes.removeSubrange(place..<end)
        case 5:
            bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: bytes.indices, using: &generator))
        case 6:
            let other = others[Int.random(in: others.indices, using: &generator)]
            let start = Int.random(in: other.indices, using: &generator)
            bytes.replaceSubrange(place..<end, with: other[start..<min(other.count, start + end - place)])
        default:
            let numbers: [UInt64] = [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 62, .max, .max >> 1]
            let number = TorchWriter.littleEndian(numbers[Int.random(in: numbers.indices, using: &generator)])
            bytes.replaceSubrange(
                place..<min(place + 8, bytes.count), with: number.prefix(bytes.count - place))
        }
    }

    private static let opcodes: [UInt8] =
        Array("NKMJGXTUBC)]}tldaesu(012qrhjcRbQ.".utf8) + [
            0x80, 0x81, 0x82, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x93, 0x94, 0x95,
        ]
}
