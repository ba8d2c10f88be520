/// A kind of file that its first bytes tell, whatever it is called.
package enum FileContent: String, Sendable, CaseIterable {
    case gitLFSPointer, html, xml
    case gzip, bzip2, xz, zstandard, zip, sevenZip, rar, tar
    case parquet, arrow, numPy, sqlite, pdf, executable
    case pickle, safetensors, hdf5
    case tensorFlowCheckpoint
    case utf16, utf32
    case json, csv

    /// Bytes at the start of a file that are looked at.
    package static let bytesLookedAt = 512

    /// The kind of the file that begins with `start` and is called `name`, where it is one of these.
    ///
    /// - name: tells the parts of a TensorFlow checkpoint, which have no mark.
    package static func recognised(_ start: some Sequence<UInt8>, name: String = "") -> FileContent? {
        let start = Array(start.prefix(bytesLookedAt))
        if let content = signatures.first(where: { start.starts(with: $0.bytes) })?.content { return content }
        if start.dropFirst(257).starts(with: Array("ustar".utf8)) { return .tar }
        if isSafetensors(start) { return .safetensors }
        if start.count > 1, start[0] == 0x80, (2...5).contains(start[1]) { return .pickle }
        if isPartOfTensorFlowCheckpoint(name) { return .tensorFlowCheckpoint }
        return start.contains(0) ? (isUTF16(start) ? .utf16 : nil) : text(start)
    }

    private static let signatures: [(bytes: [UInt8], content: FileContent)] = [
        (Array("version https://git-lfs".utf8), .gitLFSPointer),
        ([0x1F, 0x8B], .gzip), (Array("BZh".utf8), .bzip2), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .xz),
        ([0x28, 0xB5, 0x2F, 0xFD], .zstandard), ([0x50, 0x4B, 3, 4], .zip), ([0x50, 0x4B, 5, 6], .zip),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .sevenZip), (Array("Rar!".utf8), .rar),
        (Array("PAR1".utf8), .parquet), (Array("ARROW1".utf8), .arrow),
        ([0x93] + Array("NUMPY".utf8), .numPy), (Array("SQLite format 3".utf8), .sqlite),
        (Array("%PDF-".utf8), .pdf), ([0x7F] + Array("ELF".utf8), .executable),
        ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .hdf5),
        (Array("model_checkpoint_path:".utf8), .tensorFlowCheckpoint),
        ([0xFF, 0xFE, 0, 0], .utf32), ([0, 0, 0xFE, 0xFF], .utf32), ([0xFF, 0xFE], .utf16),
        ([0xFE, 0xFF], .utf16),
    ]

    /// The length of a header, less than 100 MB, and the brace that opens it.
    private static func isSafetensors(_ start: [UInt8]) -> Bool {
        guard start.count > 8, start[8] == UInt8(ascii: "{") else { return false }
        let length = start[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return (2...100_000_000).contains(length)
    }

    /// `model.ckpt.index`, `model.ckpt.meta`, `model.ckpt.data-00000-of-00001`.
    private static func isPartOfTensorFlowCheckpoint(_ name: String) -> Bool {
        name.hasSuffix(".ckpt") || name.hasSuffix(".ckpt.index") || name.hasSuffix(".ckpt.meta")
            || (name.contains(".data-") && name.contains("-of-"))
    }

    /// Text of ASCII letters, of which every other byte is zero.
    private static func isUTF16(_ start: [UInt8]) -> Bool {
        let pairs = start.prefix(64)
        guard pairs.count >= 4 else { return false }
        let zeros = [0, 1].map { side in
            pairs.enumerated().filter { $0.offset % 2 == side }.map(\.element)
        }
        return zeros.contains { $0.allSatisfy { $0 == 0 } } && zeros.contains { $0.allSatisfy { $0 != 0 } }
    }

    private static func text(_ start: [UInt8]) -> FileContent? {
        let text = TextMark.removed(from: start[...])
            .drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        let small = text.prefix(16).map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
        if ["<!doctype html", "<html", "<head"].contains(where: { small.starts(with: Array($0.utf8)) }) {
            return .html
        }
        if small.starts(with: Array("<?xml".utf8)) { return .xml }
        if isJSON(text) { return .json }
        return isCSV(text) ? .csv : nil
    }

    /// An object or list of which the first key or element begins as one does: `[PAD]` is none.
    private static func isJSON(_ text: ArraySlice<UInt8>) -> Bool {
        let followers = [UInt8(ascii: "{"): "\"}", UInt8(ascii: "["): "{[\"]-0123456789"]
        guard let opening = text.first, let allowed = followers[opening],
            let next = text.dropFirst().first(where: { $0 > 0x20 })
        else { return false }
        return allowed.utf8.contains(next)
    }

    /// A first line of at least two short names with commas or tabs between them, and a line after it.
    private static func isCSV(_ text: ArraySlice<UInt8>) -> Bool {
        guard let end = text.firstIndex(of: 0x0A) else { return false }
        let line = text[..<end].filter { $0 != 0x0D && $0 != UInt8(ascii: "\"") }
        let names = line.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: ",") || $0 == 0x09 }
        return names.count > 1 && names.allSatisfy(isColumnName)
    }

    private static func isColumnName(_ name: some Collection<UInt8>) -> Bool {
        guard let first = name.first, isLetter(first), name.count <= 40 else { return false }
        return name.allSatisfy {
            isLetter($0) || (0x30...0x39).contains($0) || [0x20, 0x2D, 0x2E].contains($0)
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
    }
}

/// Messages about a file that is not the one that it is taken for.
extension FileContent {
    /// As "is a git-lfs pointer, not the file itself".
    package var what: String {
        switch self {
        case .gitLFSPointer: "is a git-lfs pointer, not the file itself"
        case .html: "is an HTML page"
        case .xml: "is XML"
        case .gzip: "is compressed with gzip"
        case .bzip2: "is compressed with bzip2"
        case .xz: "is compressed with xz"
        case .zstandard: "is compressed with zstd"
        case .zip: "is a zip archive"
        case .sevenZip: "is a 7z archive"
        case .rar: "is a RAR archive"
        case .tar: "is a tar archive"
        case .parquet: "is a Parquet file"
        case .arrow: "is an Arrow file"
        case .numPy: "is a NumPy array"
        case .sqlite: "is an SQLite database"
        case .pdf: "is a PDF document"
        case .executable: "is a program"
        case .pickle: "is a Python pickle"
        case .safetensors: "is a safetensors file"
        case .hdf5: "is an HDF5 file"
        case .tensorFlowCheckpoint: "is part of a TensorFlow checkpoint"
        case .utf16: "is text in UTF-16"
        case .utf32: "is text in UTF-32"
        case .json: "is JSON"
        case .csv: "is CSV"
        }
    }

    /// As "is JSON, not HDF5". A pointer says already that it is not the file.
    package func what(insteadOf wanted: String) -> String {
        self == .gitLFSPointer ? what : "\(what), not \(wanted)"
    }

    /// The way to the file that is wanted; `nil` where only the reader knows which.
    package var remedy: String? {
        switch self {
        case .gitLFSPointer: "fetch the file with git lfs pull"
        case .html: "the download went wrong: download the file itself, not the page about it"
        case .gzip: "unpack it with gunzip"
        case .bzip2: "unpack it with bunzip2"
        case .xz: "unpack it with unxz"
        case .zstandard: "unpack it with unzstd"
        case .zip, .sevenZip, .rar: "unpack it, and name the file in it"
        case .tar: "unpack it with tar -xf, and name the file in it"
        case .tensorFlowCheckpoint:
            "convert the model with transformers (from_pretrained with from_tf=True, then save_pretrained)"
        case .utf16, .utf32: "save it as UTF-8"
        case .pickle, .safetensors, .hdf5, .json, .csv, .parquet, .arrow, .xml, .numPy, .sqlite, .pdf,
            .executable:
            nil
        }
    }
}

/// The byte order mark of UTF-8, which some editors put before a text.
package enum TextMark {
    package static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// `text` without one at its start.
    package static func removed(from text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        text.starts(with: bytes) ? text.dropFirst(bytes.count) : text
    }
}
