/// A value out of a pickle. It holds no other values, only places in `PickleObjects`, so that neither depth nor
/// cycles matter when values go, and doubling a value costs nothing.
enum PickleValue: Equatable {
    case null
    case flag(Bool)
    case integer(Int)
    /// Beyond 64 bits; its bytes, little-endian in two's complement.
    case largeInteger(PickleBytes)
    case real(Double)
    /// A text, or the bytes that Python 2 took for one.
    case text(PickleBytes)
    case global(PickleGlobal)
    /// Index of `containers`.
    case container(Int)
    /// Index of `storages`.
    case storage(Int)
    /// Index of `tensors`.
    case tensor(Int)
}

/// A part of the pickle.
struct PickleBytes: Equatable {
    let start: UInt32
    let count: UInt32

    var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// What a pickle of weights may ask for by name.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storageType(ElementType)

    private static let storageTypes: [String: ElementType] = [
        "torch.FloatStorage": .float32, "torch.DoubleStorage": .float64, "torch.HalfStorage": .float16,
        "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
        "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
        "torch.BoolStorage": .bool, "torch.ComplexFloatStorage": .complex64,
        "torch.storage.UntypedStorage": .uint8,
    ]

    /// `name` with the module's before it; `nil` for all that weights do not need.
    init?(_ name: String) {
        switch name {
        case "collections.OrderedDict": self = .orderedDictionary
        case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2": self = .rebuildTensor
        case "torch._utils._rebuild_parameter", "torch.nn.parameter.Parameter": self = .rebuildParameter
        default:
            guard let type = Self.storageTypes[name] else { return nil }
            self = .storageType(type)
        }
    }
}

/// All that the values of one pickle refer to.
struct PickleObjects {
    struct Container {
        enum Kind { case tuple, list, dictionary, orderedDictionary }

        let kind: Kind
        /// Of a dictionary, keys and values in turn.
        var elements: [PickleValue]
        /// Of containers in containers, this one included, as far as is known.
        var depth: Int
    }

    /// Numbers that tensors share, as a pickle mentions them.
    struct Storage {
        let key: PickleBytes
        let type: ElementType
        /// Elements in the whole storage.
        let count: Int
        /// Elements of the part that this is, all of them but for files of old.
        let part: Range<Int>
    }

    struct Tensor {
        /// Index of `storages`.
        let storage: Int
        /// Elements before the first, in the storage's part.
        let offset: Int
        /// Index of the `containers` with the shape, of whole numbers that are not negative.
        let shape: Int
        /// Index of the `containers` with as many strides.
        let strides: Int
    }

    var containers: [Container] = []
    var storages: [Storage] = []
    var tensors: [Tensor] = []
    /// The pickle, and what follows it.
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// A text's characters; `nil` when it is not UTF-8 or no text.
    func text(_ value: PickleValue) -> String? {
        guard case .text(let place) = value else { return nil }
        return String(validating: UnsafeRawBufferPointer(rebasing: bytes[place.range]), as: UTF8.self)
    }

    func elements(_ value: PickleValue, of kinds: Container.Kind...) -> [PickleValue]? {
        guard case .container(let index) = value, kinds.contains(containers[index].kind) else { return nil }
        return containers[index].elements
    }

    /// As many dimensions as torch gives a tensor at most.
    private static let maximumDimensions = 64

    /// Whole numbers that are not negative, one for each dimension of a tensor.
    func sizes(_ container: Int) -> [Int]? {
        guard containers[container].elements.count <= Self.maximumDimensions else { return nil }
        var sizes: [Int] = []
        for element in containers[container].elements {
            guard case .integer(let size) = element, size >= 0 else { return nil }
            sizes.append(size)
        }
        return sizes
    }
}
