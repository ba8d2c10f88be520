import Foundation
import Model

/// Writes weights as Hugging Face saves them.
package enum SafetensorsWriter {
    /// Writes every parameter of `layout` from the flat buffer `values` to `path` as F32, in the layout's order,
    /// straight from the buffer; the file appears whole or not at all.
    ///
    /// - prepare: called when all is written, before the file appears; where it throws, the file does not.
    package static func write(
        _ values: UnsafeBufferPointer<Float>, layout: ParameterLayout, to path: String,
        beforeAppearing prepare: () throws -> Void = {}
    ) throws {
        precondition(values.count == layout.count)
        let header = header(for: layout)
        try AtomicFile.stream(to: path) { sink in
            try header.withUnsafeBytes { try sink.write($0) }
            for parameter in layout.parameters {
                try sink.write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: values[parameter.range])))
            }
            try prepare()
        }
    }

    /// Length and JSON, padded with spaces so that the data begins at a multiple of 8 bytes.
    private static func header(for layout: ParameterLayout) -> [UInt8] {
        var members = [#""__metadata__":{"format":"pt"}"#]
        var position = 0
        for parameter in layout.parameters {
            let end = position + parameter.count * MemoryLayout<Float>.size
            let shape = parameter.shape.map(String.init).joined(separator: ",")
            members.append(
                "\"\(escape(parameter.name))\":{\"dtype\":\"F32\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(position),\(end)]}")
            position = end
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
    }

    private static func escape(_ name: String) -> String {
        name.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case _ where scalar.value < 0x20: "\\u" + String(format: "%04x", scalar.value)
            default: String(scalar)
            }
        }.joined()
    }
}
