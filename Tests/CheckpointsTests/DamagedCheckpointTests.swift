import Foundation
import TestSupport
import Testing

@testable import Checkpoints

/// Damage at random places of a training checkpoint: `DURE_TEST_FLIPS=N` of them, 1,000 otherwise.
struct DamagedCheckpointTests {
    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    @Test func openingAloneFindsEveryDamage() throws {
        let folder = try TemporaryFolder()
        try CheckpointSample().write(.training, to: folder.file("whole.h5"))
        let whole = try bytes(of: folder.file("whole.h5"))
        _ = try CheckpointFile(path: folder.file("whole.h5"))
        var generator = SeededGenerator(seed: 29)
        for round in 0..<(Self.environment["DURE_TEST_FLIPS"].flatMap(Int.init) ?? 1000) {
            let (damaged, what) = Self.damage(whole, round, using: &generator)
            let path = try folder.write(damaged, to: "damaged.h5")
            let error = checkpointError { _ = try CheckpointFile(path: path) }
            #expect(error?.category == .badData, "\(what)")
        }
    }

    /// By turns: a bit, a byte, a block of up to 4 kB zeroed (or, where it was zero, filled), the end cut off.
    private static func damage(
        _ whole: [UInt8], _ round: Int, using generator: inout SeededGenerator
    ) -> (bytes: [UInt8], what: String) {
        var bytes = whole
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch round % 4 {
        case 0:
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            return (bytes, "a bit at \(place)")
        case 1:
            bytes[place] ^= UInt8.random(in: 1...255, using: &generator)
            return (bytes, "a byte at \(place)")
        case 2:
            let block = place..<min(bytes.count, place + Int.random(in: 1...4096, using: &generator))
            let filling: UInt8 = bytes[block].contains { $0 != 0 } ? 0 : 0xFF
            bytes.replaceSubrange(block, with: repeatElement(filling, count: block.count))
            return (bytes, "a block at \(block)")
        default:
            return (Array(bytes[..<place]), "cut at \(place)")
        }
    }
}
