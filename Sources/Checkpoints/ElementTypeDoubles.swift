/// Elements as numbers to compare: every value exactly, but for whole numbers beyond 2⁵³.
extension ElementType {
    /// Whether elements are numbers that `double` gives.
    var isComparable: Bool {
        switch self {
        case .float4, .float6e2m3, .float6e3m2, .float8e5m2, .float8e4m3, .float8e8m0, .float8e4m3fnuz,
            .float8e5m2fnuz, .complex64:
            false
        default: true
        }
    }

    /// Element `index` of `bytes`, which are little-endian and possibly unaligned; NaN for a type that is not
    /// `isComparable`.
    func double(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Double {
        func bits<Bits: FixedWidthInteger>(_ type: Bits.Type) -> Bits {
            let place = index * MemoryLayout<Bits>.size
            return Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Bits.self))
        }
        switch self {
        case .float32: return Double(Float(bitPattern: bits(UInt32.self)))
        case .float64: return Double(bitPattern: bits(UInt64.self))
        case .float16: return Double(Self.single(half: bits(UInt16.self)))
        case .bfloat16: return Double(Float(bitPattern: UInt32(bits(UInt16.self)) << 16))
        case .bool, .uint8: return Double(bits(UInt8.self))
        case .int8: return Double(bits(Int8.self))
        case .int16: return Double(bits(Int16.self))
        case .uint16: return Double(bits(UInt16.self))
        case .int32: return Double(bits(Int32.self))
        case .uint32: return Double(bits(UInt32.self))
        case .int64: return Double(bits(Int64.self))
        case .uint64: return Double(bits(UInt64.self))
        default: return .nan
        }
    }
}
