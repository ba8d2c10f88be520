import Foundation

extension JSONDecoder {
    /// Decodes a whole file or line.
    ///
    /// Foundation traps when lists are nested deeper than it allows and the bracket that is one too many is the
    /// last byte. So another byte follows.
    package func decode<Value: Decodable>(_ type: Value.Type, fromText bytes: some Sequence<UInt8>) throws
        -> Value
    {
        try decode(type, from: Data(bytes) + [UInt8(ascii: "\n")])
    }
}
