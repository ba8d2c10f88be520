import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// Files without checksums, on which the HDF5 library crashes or does not end when they are damaged.
    @Suite struct DamagedKerasTests {
        let folder: TemporaryFolder
        let whole: [UInt8]

        init() throws {
            folder = try TemporaryFolder()
            let url = Paths.fixtures.appending(path: "keras/qa.h5")
            whole = Array(try Data(contentsOf: url))
        }

        /// Inspects the bytes; the program must end in order whatever they are.
        private func inspect(_ bytes: [UInt8], _ what: String) async throws -> Int32 {
            let path = try folder.write(bytes, to: "damaged.h5")
            let result = try await Program.run(["inspect", "--json", path])
            if result.exitCode == 0 { return 0 }
            #expect(result.exitCode == 65, "\(what): \(result.errorText)")
            #expect(messages(result).count == 1, "\(what): \(result.errorText)")
            #expect(result.errorText.contains("damaged.h5"), "\(what)")
            return result.exitCode
        }

        /// Places, found by trying, where HDF5 1.10 crashes.
        @Test(arguments: [(2787, 255), (3204, 255), (6895, 128)])
        func damageThatCrashesTheLibraryIsAnError(_ position: Int, _ value: UInt8) async throws {
            var damaged = whole
            damaged[position] = value
            let path = try folder.write(damaged, to: "damaged.h5")
            let alone = try await Program.run(
                ["probe-hdf5", path], environment: ["SWIFT_BACKTRACE": "enable=no"])
            if alone.exitCode < 128 { print("This version of HDF5 notices the damage at byte \(position).") }
            #expect(try await inspect(damaged, "byte \(position)") == 65)
        }

        @Test func damageAnywhereEndsInOrder() async throws {
            var generator = SeededGenerator(seed: 21)
            var found = 0
            for round in 0..<60 {
                var damaged = whole
                if round.isMultiple(of: 4) {
                    damaged.removeLast(Int.random(in: 1..<whole.count, using: &generator))
                } else {
                    let position = Int.random(in: 0..<whole.count, using: &generator)
                    damaged[position] ^= UInt8.random(in: 1...255, using: &generator)
                }
                if try await inspect(damaged, "round \(round)") != 0 { found += 1 }
            }
            #expect(found > 15)
        }

        @Test func anUndamagedFileIsReadInARunOfRanks() async throws {
            let work = try await Workspace()
            let export = ["export", "--checkpoint", work.model, "--format", "tf", "--output"]
            expectSuccess(try await Program.run(export + [work.folder.file("tf")]))
            let evaluate = work.evaluate(work.folder.file("tf"), into: "answers")
            expectSuccess(try await Program.run(ranks: 2, evaluate))
        }
    }
}
