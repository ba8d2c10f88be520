/// What tells two versions of a file apart, as `run.json` has it.
package enum FileHash {
    /// FNV-1a of the file's bytes, with the name of the hash. Throws `CheckpointError`.
    package static func text(of path: String) throws -> String {
        let hash = try MappedFile(path: path).withBytes { bytes in
            bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        }
        let digits = String(hash, radix: 16)
        return "fnv1a64:" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}
