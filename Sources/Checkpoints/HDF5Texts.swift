import CHDF5
import Foundation

/// Attributes that are rows of texts, as Keras keeps names in them.
///
/// Texts of variable length stand in a heap without checksum, so files with them are read through `ForeignHDF5`
/// only. Here they are written with a fixed length.
extension HDF5Object {
    /// The largest attribute that fits an object header, as Keras counts.
    static let largestAttribute = 64_512

    /// The texts of attribute `name`, or those of `name0`, `name1` … where Keras has split it.
    func readSplitTexts(_ name: String) throws -> [String] {
        if try hasAttribute(name) { return try readTexts(name) }
        var texts: [String] = []
        var part = 0
        while try hasAttribute("\(name)\(part)") {
            texts += try readTexts("\(name)\(part)")
            part += 1
        }
        guard part > 0 else { throw location.bad("attribute \(name) is missing") }
        return texts
    }

    /// The texts of attribute `name`, of fixed or variable length; an empty row may be of any type.
    func readTexts(_ name: String) throws -> [String] {
        try HDF5.locked {
            try HDF5Attribute(name, of: self).readTexts()
        }
    }

    /// Writes `texts` as the attribute `name`, split into `name0`, `name1` … where it would be too large.
    func writeSplitTexts(_ name: String, _ texts: [String]) throws {
        let longest = texts.map(\.utf8.count).max() ?? 0
        let most = max(1, Self.largestAttribute / max(longest, 1))
        guard texts.count > most else { return try writeTexts(name, texts) }
        for (part, start) in stride(from: 0, to: texts.count, by: most).enumerated() {
            try writeTexts("\(name)\(part)", Array(texts[start..<min(start + most, texts.count)]))
        }
    }

    private func writeTexts(_ name: String, _ texts: [String]) throws {
        let action = "write attribute \(name)"
        let size = max(1, texts.map(\.utf8.count).max() ?? 0)
        try HDF5.locked {
            let type = try Self.textType(size: size, at: location)
            let space = try Self.dataspace([texts.count], at: location)
            let defaults = dure_h5p_default()
            let attribute = try HDF5Handle(
                H5Acreate2(id, name, type.id, space.id, defaults, defaults), .attribute, at: location, action)
            guard !texts.isEmpty else { return }
            let bytes = texts.flatMap { Array($0.utf8) + Array(repeating: 0, count: size - $0.utf8.count) }
            try location.check(H5Awrite(attribute.id, type.id, bytes), action)
        }
    }
}
