/// The types that elements of tensors have in files, by their names in the header of a safetensors file.
package enum ElementType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case float4 = "F4"
    case float6e2m3 = "F6_E2M3"
    case float6e3m2 = "F6_E3M2"
    case uint8 = "U8"
    case int8 = "I8"
    case float8e5m2 = "F8_E5M2"
    case float8e4m3 = "F8_E4M3"
    case float8e8m0 = "F8_E8M0"
    case float8e4m3fnuz = "F8_E4M3FNUZ"
    case float8e5m2fnuz = "F8_E5M2FNUZ"
    case int16 = "I16"
    case uint16 = "U16"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int32 = "I32"
    case uint32 = "U32"
    case float32 = "F32"
    case complex64 = "C64"
    case float64 = "F64"
    case int64 = "I64"
    case uint64 = "U64"

    package var bitsPerElement: Int {
        switch self {
        case .float4: 4
        case .float6e2m3, .float6e3m2: 6
        case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .float8e8m0, .float8e4m3fnuz, .float8e5m2fnuz: 8
        case .int16, .uint16, .float16, .bfloat16: 16
        case .int32, .uint32, .float32: 32
        case .complex64, .float64, .int64, .uint64: 64
        }
    }

    /// Whether elements can be read as weights.
    package var isWeight: Bool {
        switch self {
        case .float16, .bfloat16, .float32, .float64: true
        default: false
        }
    }
}

/// Elements as weights are read: as single precision.
extension ElementType {
    /// Converts the elements in `bytes`, little-endian and possibly unaligned, to `destination`, which holds as many.
    /// F64 is rounded.
    ///
    /// - Returns: false, with `destination` untouched, for a type that is not a weight's.
    func convert(_ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableBufferPointer<Float>) -> Bool
    {
        precondition(bytes.count * 8 == destination.count * bitsPerElement)
        switch self {
        case .float32: Self.copy(bytes, into: destination)
        case .float64:
            Self.convert(bytes, UInt64.self, into: destination) { Float(Double(bitPattern: $0)) }
        case .bfloat16:
            Self.convert(bytes, UInt16.self, into: destination) { Float(bitPattern: UInt32($0) << 16) }
        case .float16: Self.convert(bytes, UInt16.self, into: destination, Self.single(half:))
        default: return false
        }
        return true
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
