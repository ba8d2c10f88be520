import CHDF5
import Foundation

/// An open attribute that can be read: numbers, truth values or text, no more of them than the file can hold.
struct HDF5Attribute: ~Copyable {
    private let name: String
    private let location: HDF5Location
    private let handle: HDF5Handle
    private let type: HDF5Handle
    private let space: HDF5Handle
    /// Elements.
    let count: Int
    let kind: H5T_class_t
    /// Whether it is text of variable length.
    let isVariable: Bool

    /// Opens attribute `name`; throws when there is none, or none to be read. An empty one may be of any type.
    init(_ name: String, of object: borrowing HDF5Object) throws {
        let location = object.location
        guard try object.hasAttribute(name) else { throw location.bad("attribute \(name) is missing") }
        let handle = try HDF5Handle(
            H5Aopen(object.id, name, dure_h5p_default()), .attribute, at: location, "open attribute \(name)")
        let action = "read attribute \(name)"
        let type = try HDF5Handle(H5Aget_type(handle.id), .type, at: location, action)
        let space = try HDF5Handle(H5Aget_space(handle.id), .dataspace, at: location, action)
        let count = Int(try location.check(H5Sget_simple_extent_npoints(space.id), action))
        let kind = H5Tget_class(type.id)
        if count > 0 {
            try Self.check(type, kind, count: count, fileSize: object.gate?.fileSize, name, at: location)
        }
        isVariable = kind == H5T_STRING && H5Tis_variable_str(type.id) > 0
        (self.name, self.location, self.count, self.kind) = (name, location, count, kind)
        self.handle = handle
        self.type = type
        self.space = space
    }

    private static func check(
        _ type: borrowing HDF5Handle, _ kind: H5T_class_t, count: Int, fileSize: Int?, _ name: String,
        at location: HDF5Location
    ) throws {
        guard H5Tcommitted(type.id) == 0 else {
            throw location.refused("attribute \(name) is of a type that has a name")
        }
        guard [H5T_INTEGER, H5T_FLOAT, H5T_ENUM, H5T_STRING].contains(kind) else {
            throw location.bad("attribute \(name) is neither a number nor text")
        }
        let size = H5Tget_size(type.id)
        guard size > 0, count <= (fileSize ?? .max) / size else {
            throw location.bad("attribute \(name) has \(count) elements, more than the file can hold")
        }
    }

    /// Throws where it has none or several elements.
    func checkSingle() throws {
        guard count == 1 else { throw location.bad("attribute \(name) is not a single value") }
    }

    /// The only element, as `memory` describes it.
    func readScalar<Value: BitwiseCopyable>(_ initial: Value, memory: hid_t) throws -> Value {
        var value = initial
        try location.check(H5Aread(handle.id, memory, &value), "read attribute \(name)")
        return value
    }

    /// The texts, of fixed or variable length.
    func readTexts() throws -> [String] {
        if count == 0 { return [] }
        guard kind == H5T_STRING else { throw location.bad("attribute \(name) is not text") }
        return try isVariable ? readVariableTexts() : readFixedTexts()
    }

    /// The texts of fixed length, without the zeros that fill them up.
    func readFixedTexts() throws -> [String] {
        let size = H5Tget_size(type.id)
        var bytes = [UInt8](repeating: 0, count: count * size)
        try location.check(H5Aread(handle.id, type.id, &bytes), "read attribute \(name)")
        return try stride(from: 0, to: bytes.count, by: size).map { start in
            try text(HDF5Object.withoutPadding(Array(bytes[start..<start + size])))
        }
    }

    private func readVariableTexts() throws -> [String] {
        var pointers = [UnsafeMutablePointer<UInt8>?](repeating: nil, count: count)
        try location.check(H5Aread(handle.id, type.id, &pointers), "read attribute \(name)")
        defer { H5Dvlen_reclaim(type.id, space.id, dure_h5p_default(), &pointers) }
        return try pointers.map { pointer in
            guard let pointer else { return "" }
            return try text(UnsafeBufferPointer(start: pointer, count: strlen(pointer)))
        }
    }

    private func text(_ bytes: some Collection<UInt8>) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw location.bad("attribute \(name) is not UTF-8")
        }
        return text
    }
}
