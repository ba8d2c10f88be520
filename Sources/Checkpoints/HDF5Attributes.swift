import CHDF5
import Foundation

/// A scalar stored as an attribute.
package enum AttributeValue: Sendable, Equatable {
    case integer(Int)
    case real(Double)
    /// Stored as the enumeration of FALSE and TRUE that h5py reads as `bool`.
    case flag(Bool)
    case text(String)
}

/// Attributes.
///
/// Text is stored with a fixed length, in the object header, whose checksum covers it; h5py gives such text as
/// `bytes`. Text of variable length, which h5py gives as `str`, stands in a heap without checksum that the library
/// reads without checking: one damaged byte there may crash it. So such text is written for people where the
/// contract is read by other programs, and never read here.
extension HDF5Object {
    /// Longest text that fits an object header.
    private static let longestText = 60_000

    func writeAttribute(_ name: String, _ value: AttributeValue) throws {
        try HDF5.locked {
            switch value {
            case .integer(let value):
                try writeScalar(
                    name, value: value, file: dure_h5t_std_i64le(), memory: dure_h5t_native_int64())
            case .real(let value):
                try writeScalar(
                    name, value: value, file: dure_h5t_ieee_f64le(), memory: dure_h5t_native_double())
            case .flag(let value):
                let type = try booleanType()
                try writeScalar(name, value: Int8(value ? 1 : 0), file: type.id, memory: type.id)
            case .text(let value): try writeText(name, value)
            }
        }
    }

    /// A number that may exceed `Int`.
    func writeAttribute(_ name: String, unsigned value: UInt64) throws {
        try HDF5.locked {
            try writeScalar(name, value: value, file: dure_h5t_std_u64le(), memory: dure_h5t_native_uint64())
        }
    }

    /// Text of variable length, for h5py to give as `str`; never read back (see above).
    func writeAttribute(_ name: String, forPeople value: String) throws {
        try HDF5.locked {
            let type = try Self.textType(size: dure_h5t_variable(), at: location)
            try value.withCString { try writeScalar(name, value: $0, file: type.id, memory: type.id) }
        }
    }

    func hasAttribute(_ name: String) throws -> Bool {
        try HDF5.locked { try location.check(H5Aexists(handle.id, name), "look for attribute \(name)") > 0 }
    }

    /// Names of all attributes, in alphabetical order.
    func attributeNames() throws -> [String] {
        try HDF5.locked {
            var names: [String] = []
            let code = withUnsafeMutablePointer(to: &names) {
                dure_h5_attribute_names(handle.id, collectName, $0)
            }
            try location.check(code, "list the attributes")
            return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    /// The value of attribute `name`; throws when it is missing, not a scalar or of another type.
    func readAttribute(_ name: String) throws -> AttributeValue {
        try HDF5.locked {
            let attribute = try HDF5Attribute(name, of: self)
            try attribute.checkSingle()
            switch attribute.kind {
            case H5T_INTEGER: return .integer(try attribute.readScalar(0, memory: dure_h5t_native_int64()))
            case H5T_FLOAT: return .real(try attribute.readScalar(0.0, memory: dure_h5t_native_double()))
            case H5T_ENUM:
                let memory = try booleanType()
                return .flag(try attribute.readScalar(Int8(0), memory: memory.id) != 0)
            default:
                guard !attribute.isVariable else {
                    throw location.bad(
                        "attribute \(name) is text of variable length, which HDF5 does not checksum")
                }
                return .text(try attribute.readFixedTexts().first ?? "")
            }
        }
    }

    /// Attribute `name` as a number that may exceed `Int`.
    func readUnsignedAttribute(_ name: String) throws -> UInt64 {
        try HDF5.locked {
            let attribute = try HDF5Attribute(name, of: self)
            try attribute.checkSingle()
            guard attribute.kind == H5T_INTEGER else {
                throw location.bad("attribute \(name) is not a whole number")
            }
            return try attribute.readScalar(UInt64(0), memory: dure_h5t_native_uint64())
        }
    }

    private func writeScalar<Value: BitwiseCopyable>(_ name: String, value: Value, file: hid_t, memory: hid_t)
        throws
    {
        try withUnsafePointer(to: value) { try writeScalar(name, bytes: $0, file: file, memory: memory) }
    }

    private func writeScalar(_ name: String, bytes: UnsafeRawPointer, file: hid_t, memory: hid_t) throws {
        let action = "write attribute \(name)"
        let space = try HDF5Handle(H5Screate(H5S_SCALAR), .dataspace, at: location, action)
        let attribute = try HDF5Handle(
            H5Acreate2(handle.id, name, file, space.id, dure_h5p_default(), dure_h5p_default()), .attribute,
            at: location, action)
        try location.check(H5Awrite(attribute.id, memory, bytes), action)
    }

    private func writeText(_ name: String, _ value: String) throws {
        var bytes = Array(value.utf8)
        guard bytes.count <= Self.longestText else {
            throw CheckpointError(
                .cannotCreate,
                "attribute \(name) of \(bytes.count) bytes is longer than the \(Self.longestText) allowed",
                path: location.path, item: location.item, remedy: "shorten it")
        }
        if bytes.isEmpty { bytes = [0] }
        let type = try Self.textType(size: bytes.count, at: location)
        try writeScalar(name, bytes: bytes, file: type.id, memory: type.id)
    }

    private func booleanType() throws -> HDF5Handle {
        let type = try HDF5Handle(
            H5Tenum_create(dure_h5t_std_i8le()), .type, at: location, "describe a truth value")
        for (name, value) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
            try withUnsafePointer(to: value) {
                _ = try location.check(H5Tenum_insert(type.id, name, $0), "describe a truth value")
            }
        }
        return type
    }

    /// UTF-8 text of `size` bytes, padded with zeros.
    static func textType(size: Int, at location: HDF5Location) throws -> HDF5Handle {
        let type = try HDF5Handle(H5Tcopy(dure_h5t_c_s1()), .type, at: location, "describe text")
        try location.check(H5Tset_size(type.id, size), "describe text")
        try location.check(H5Tset_cset(type.id, H5T_CSET_UTF8), "describe text")
        if size != dure_h5t_variable() {
            try location.check(H5Tset_strpad(type.id, H5T_STR_NULLPAD), "describe text")
        }
        return type
    }

    /// `bytes` without the zeros at the end.
    static func withoutPadding(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        let end = bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        return bytes[..<end]
    }
}
