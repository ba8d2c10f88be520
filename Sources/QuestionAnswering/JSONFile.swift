import Core
import Foundation

/// Decodes JSON files with errors that say where.
package enum JSONFile {
    /// A UTF-8 byte order mark is tolerated.
    ///
    /// - Throws: `DatasetError`.
    static func decode<Value: Decodable>(_ type: Value.Type, path: String) throws -> Value {
        try decode(type, from: contents(path: path), path: path)
    }

    /// Decodes `data`, the content of the file at `path`, or the line of it that begins with byte `offset`.
    ///
    /// - Throws: `DatasetError`.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data, path: String, line: (number: Int, offset: Int)? = nil
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, fromText: data)
        } catch let problem as RecordProblem {
            throw explain(problem, data: data, path: path, line: line)
        } catch let error as DecodingError {
            throw explain(RecordProblem(error), data: data, path: path, line: line)
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
        if let content = FileContent.recognised(data, name: URL(filePath: path).lastPathComponent),
            content != .json
        {
            throw DatasetError.otherContent(path: path, content)
        }
        if let offset = firstInvalidUTF8(in: data) {
            let line = JSONSyntax.lineNumber(in: [UInt8](data.prefix(offset)), at: offset)
            throw DatasetError.invalidUTF8(path: path, offset: offset, line: line)
        }
        return withoutByteOrderMark(data)
    }

    package static func withoutByteOrderMark(_ data: Data) -> Data {
        data.starts(with: byteOrderMark) ? Data(data.dropFirst(byteOrderMark.count)) : data
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
    package static func firstInvalidUTF8(in data: Data) -> Int? {
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
        _ problem: RecordProblem, data: Data, path: String, line: (number: Int, offset: Int)?
    ) -> DatasetError {
        if let found = JSONSyntax.firstError(in: [UInt8](data)) {
            let place = JSONSyntaxError(
                offset: found.offset + (line?.offset ?? 0), line: line?.number ?? found.line,
                reason: found.reason)
            return .malformedJSON(path: path, place)
        }
        let inner = problem.place
        let lineText = line.map { "line \($0.number)\(inner.isEmpty ? "" : ", ")" } ?? ""
        return .wrongStructure(
            RecordPlace(path: path, record: lineText + inner), reason: problem.reason, remedy: problem.remedy)
    }
}
