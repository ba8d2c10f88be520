import Foundation

/// Decodes JSON files with errors that say where.
enum JSONFile {
    /// A UTF-8 byte order mark is tolerated.
    ///
    /// - Throws: `DatasetError`.
    static func decode<Value: Decodable>(_ type: Value.Type, path: String) throws -> Value {
        try decode(type, from: contents(path: path), path: path)
    }

    /// Decodes `data`, the content of the file at `path`, or the line of it that begins with byte `offset`.
    ///
    /// - Throws: `DatasetError`.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data, path: String, line: (number: Int, offset: Int)? = nil
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, fromText: data)
        } catch let error as DecodingError {
            throw explain(error, data: data, path: path, line: line)
        }
    }

    /// The bytes of a file of UTF-8, without a byte order mark.
    ///
    /// - Throws: `DatasetError`.
    static func contents(path: String) throws -> Data {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DatasetError.missingFile(path: path)
        }
        if isFolder.boolValue { throw DatasetError.unreadableFile(path: path, reason: "it is a folder") }
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw DatasetError.unreadableFile(path: path, reason: reason(of: error))
        }
        if let offset = firstInvalidUTF8(in: data) {
            let line = JSONSyntax.lineNumber(in: [UInt8](data.prefix(offset)), at: offset)
            throw DatasetError.invalidUTF8(path: path, offset: offset, line: line)
        }
        return data.starts(with: byteOrderMark) ? Data(data.dropFirst(byteOrderMark.count)) : data
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static func reason(of error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        guard let underlying, underlying.domain == NSPOSIXErrorDomain else {
            return (error as? CocoaError)?.code == .fileReadNoPermission ? "no permission" : "reading failed"
        }
        return String(cString: strerror(Int32(underlying.code)))
    }

    /// The offset of the first byte that does not belong to a code point.
    static func firstInvalidUTF8(in data: Data) -> Int? {
        data.withUnsafeBytes { bytes in
            if String(validating: bytes, as: UTF8.self) != nil { return nil }
            var offset = 0
            var iterator = bytes.makeIterator()
            var parser = UTF8.ForwardParser()
            while true {
                switch parser.parseScalar(from: &iterator) {
                case .valid(let encoded): offset += encoded.count
                case .emptyInput, .error: return offset
                }
            }
        }
    }

    private static func explain(
        _ error: DecodingError, data: Data, path: String, line: (number: Int, offset: Int)?
    ) -> DatasetError {
        if let found = JSONSyntax.firstError(in: [UInt8](data)) {
            let place = JSONSyntaxError(
                offset: found.offset + (line?.offset ?? 0), line: line?.number ?? found.line,
                reason: found.reason)
            return .malformedJSON(path: path, place)
        }
        let (codingPath, reason) = describe(error)
        let sentence = reason.hasSuffix(".") ? String(reason.dropLast()) : reason
        let inner = record(codingPath)
        let lineText = line.map { "line \($0.number)\(inner.isEmpty ? "" : ", ")" } ?? ""
        return .wrongStructure(RecordPlace(path: path, record: lineText + inner), reason: sentence)
    }

    private static func describe(_ error: DecodingError) -> ([any CodingKey], String) {
        switch error {
        case .typeMismatch(_, let context): (context.codingPath, context.debugDescription)
        case .valueNotFound(let type, let context): (context.codingPath, "null instead of \(name(of: type))")
        case .keyNotFound(let key, let context):
            (context.codingPath, "the key \"\(key.stringValue)\" is missing")
        case .dataCorrupted(let context): (context.codingPath, context.debugDescription)
        @unknown default: ([], "not understood")
        }
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Double.Type, is Int.Type: "a number"
        case is Bool.Type: "true or false"
        default: "a list or object"
        }
    }

    /// As `data[3].paragraphs[0].qas[1].answers[0].answer_start`.
    private static func record(_ codingPath: [any CodingKey]) -> String {
        codingPath.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
    }
}
