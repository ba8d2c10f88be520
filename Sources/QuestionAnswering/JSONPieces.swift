/// Ranges of the pieces of a JSON file that can be decoded one by one: the elements of its outermost list or of the list
/// `data` of its outermost object, or the members of that object.
///
/// Found in one pass over the bytes, a block at a time and without building anything. Only what divides pieces is
/// looked at closely; what is within them shows when they are decoded.
struct JSONPieces {
    enum Unit {
        /// Records of a dataset.
        case records
        /// Members of the outermost object.
        case members
    }

    enum Container {
        case list, dataList, object
    }

    /// Nil where the file is no such thing, or is not understood: then all of it is one piece.
    var container: Container? { isFinished && !isOdd ? kind : nil }
    /// In bytes of the file.
    private(set) var ranges: [Range<Int>] = []
    /// All of the file but the elements of `data`.
    private(set) var skeleton: [UInt8] = []
    /// Whether an object without a line end in it is followed by a further line that is not blank.
    private(set) var isLines = false

    private let unit: Unit
    private var kind: Container?
    private var isFinished = false
    private var isOdd = false
    private var position = 0
    private var depth = 0
    private var isInText = false
    private var isEscaped = false
    /// The depth at which pieces stand; nil before their container begins.
    private var pieceDepth: Int?
    private var pieceStart: Int?
    /// End of the last piece, as far as it is known.
    private var pieceEnd = 0
    private var needsPiece = false
    /// The text that was read last at depth 1, where it may be a key.
    private var key: [UInt8] = []
    private var keyIsComplete = false
    private var isObject = false
    private var lineEnds = 0
    private var lineEndsAtStart = 0
    private var lineEndsAtFinish = 0

    /// More of the outermost object than this beside `data` is not understood.
    private static let skeletonLimit = 1 << 20

    init(_ unit: Unit) { self.unit = unit }

    /// Looks at the next bytes of the file.
    mutating func scan(_ bytes: UnsafeRawBufferPointer) {
        var next = 0
        while next < bytes.count {
            if isInText, !isEscaped, pieceDepth != nil {
                // The greater part of a dataset.
                let start = next
                while next < bytes.count, bytes[next] != UInt8(ascii: "\""), bytes[next] != UInt8(ascii: "\\")
                {
                    next += 1
                }
                position += next - start
                guard next < bytes.count else { return }
            }
            step(bytes[next])
            next += 1
            position += 1
        }
    }

    private mutating func step(_ byte: UInt8) {
        if isInText {
            text(byte)
        } else if depth > (pieceDepth ?? .max) {
            inside(byte)
        } else if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            if byte == 0x0A { lineEnds += 1 }
            keep(byte)
        } else if isFinished {
            // Another object on a line of its own, or what does not belong here.
            isLines =
                isLines || (isObject && lineEndsAtFinish == lineEndsAtStart && lineEnds > lineEndsAtFinish)
            isOdd = true
        } else {
            between(byte)
        }
    }

    private mutating func keep(_ byte: UInt8) {
        // Within a list of pieces there is nothing to keep but its brackets.
        guard unit == .records, pieceDepth == nil || depth < (pieceDepth ?? 0) else { return }
        if skeleton.count < Self.skeletonLimit { skeleton.append(byte) } else { isOdd = true }
    }

    private mutating func text(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInText = false
            if depth == 1 { keyIsComplete = true }
            if depth == pieceDepth { pieceEnd = position + 1 }
        } else if depth == 1, pieceDepth == nil, key.count < 8 {
            key.append(byte)
        }
        if pieceDepth == nil { keep(byte) }
        if byte == 0x0A { lineEnds += 1 }
    }

    /// Within a piece.
    private mutating func inside(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): isInText = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth == pieceDepth { pieceEnd = position + 1 }
        case 0x0A: lineEnds += 1
        default: break
        }
    }
}

// MARK: Between pieces

extension JSONPieces {
    private mutating func between(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["): open(byte)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): close(byte)
        case UInt8(ascii: ",") where depth == pieceDepth:
            endPiece()
            needsPiece = true
        case UInt8(ascii: "\""):
            begin()
            isInText = true
            if depth == 1, pieceDepth == nil { (key, keyIsComplete) = ([], false) }
            if pieceDepth == nil { keep(byte) }
        default:
            begin()
            if depth == 0 { isOdd = true }
            if depth == pieceDepth { pieceEnd = position + 1 } else { keep(byte) }
        }
    }

    /// A piece begins where none has.
    private mutating func begin() {
        guard depth == pieceDepth, pieceStart == nil else { return }
        pieceStart = position
        needsPiece = false
    }

    private mutating func endPiece() {
        guard let start = pieceStart else {
            isOdd = true
            return
        }
        ranges.append(start..<pieceEnd)
        pieceStart = nil
    }

    private mutating func open(_ byte: UInt8) {
        begin()
        if pieceDepth == nil { keep(byte) }
        depth += 1
        guard pieceDepth == nil else { return }
        let isList = byte == UInt8(ascii: "[")
        if depth == 1 { (isObject, lineEndsAtStart) = (!isList, lineEnds) }
        if depth == 1, isList || unit == .members {
            kind = isList ? .list : .object
            pieceDepth = 1
        } else if depth == 1 {
            kind = nil
        } else if depth == 2, isList, keyIsComplete, key.elementsEqual("data".utf8) {
            // A second list of the name would be another answer to which counts.
            isOdd = isOdd || kind == .dataList
            kind = .dataList
            pieceDepth = 2
        }
    }

    private mutating func close(_ byte: UInt8) {
        if depth == pieceDepth {
            if pieceStart != nil { endPiece() } else if needsPiece { isOdd = true }
            let closesList = byte == UInt8(ascii: "]")
            isOdd = isOdd || closesList != (kind != .object)
            pieceDepth = nil
        }
        depth -= 1
        keep(byte)
        if depth == 1 { (key, keyIsComplete) = ([], false) }
        if depth < 0 { isOdd = true }
        guard depth == 0 else { return }
        isFinished = true
        lineEndsAtFinish = lineEnds
    }
}
