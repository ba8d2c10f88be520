/// A memory-mapped safetensors file with a validated header.
package final class SafetensorsFile: Sendable {
    package let path: String
    package let header: SafetensorsHeader
    private let file: MappedFile

    /// Maps `path` and checks its header; the tensors' bytes are not touched yet.
    package init(path: String) throws {
        self.path = path
        let file = try MappedFile(path: path)
        header = try file.withBytes { try SafetensorsHeader($0, path: path) }
        self.file = file
    }

    /// Calls `body` with the bytes of `tensor` as they stand in the file, possibly unaligned.
    package func withBytes<Result>(
        of tensor: SafetensorsTensor, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try file.withBytes(in: tensor.range, body)
    }

    /// Converts the elements of `tensor` to `destination`, which holds as many. F64 is rounded; a type that is
    /// not a weight's is `.badData`.
    package func read(_ tensor: SafetensorsTensor, into destination: UnsafeMutableBufferPointer<Float>) throws
    {
        precondition(destination.count == tensor.count)
        try withBytes(of: tensor) { bytes in
            switch tensor.type {
            case .float32: Self.copy(bytes, into: destination)
            case .float64:
                Self.convert(bytes, UInt64.self, into: destination) { Float(Double(bitPattern: $0)) }
            case .bfloat16:
                Self.convert(bytes, UInt16.self, into: destination) { Float(bitPattern: UInt32($0) << 16) }
            case .float16: Self.convert(bytes, UInt16.self, into: destination, Self.single(half:))
            default: throw notAWeight(tensor)
            }
        }
    }

    /// Throws `.badData` when `tensor` is of a type that `read` does not take.
    func requireWeight(_ tensor: SafetensorsTensor) throws {
        guard tensor.type.isWeight else { throw notAWeight(tensor) }
    }

    private func notAWeight(_ tensor: SafetensorsTensor) -> CheckpointError {
        .badData(
            "has type \(tensor.type.rawValue), which is not one of F32, F16, BF16, F64", path: path,
            item: tensor.name, remedy: "convert the weights to one of these")
    }

    private static func copy(
        _ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableBufferPointer<Float>
    ) {
        #if _endian(little)
            UnsafeMutableRawBufferPointer(destination).copyMemory(from: bytes)
        #else
            convert(bytes, UInt32.self, into: destination) { Float(bitPattern: $0) }
        #endif
    }

    @inline(__always)
    private static func convert<Bits: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, _ type: Bits.Type,
        into destination: UnsafeMutableBufferPointer<Float>, _ value: (Bits) -> Float
    ) {
        let size = MemoryLayout<Bits>.size
        for index in destination.indices {
            let bits = bytes.loadUnaligned(fromByteOffset: index * size, as: Bits.self)
            destination[index] = value(Bits(littleEndian: bits))
        }
    }

    /// IEEE half precision to single, exactly. By hand, as `Float16` does not exist on every platform.
    static func single(half: UInt16) -> Float {
        let sign = UInt32(half & 0x8000) << 16
        let exponent = UInt32(half >> 10 & 0x1F)
        let fraction = UInt32(half & 0x3FF)
        switch exponent {
        case 0:
            // Zero or subnormal: fraction · 2⁻²⁴.
            let magnitude = Float(fraction) * Float(bitPattern: 0x3380_0000)
            return Float(bitPattern: sign | magnitude.bitPattern)
        case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
