/// The names that a pickle asks for and what it does with them.
extension PickleReader {
    /// Executes an opcode that asks for something by name or calls it; false when `opcode` is none.
    mutating func executeCall(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "c"): push(.global(try global(try line() + "." + (try line()))))
        case 0x93:
            let name = try popName()
            push(.global(try global(try popName() + "." + name)))
        case UInt8(ascii: "R"), 0x81: try call()
        case UInt8(ascii: "b"): try setState()
        case UInt8(ascii: "Q"): push(try storage(try pop()))
        default: return false
        }
        return true
    }

    /// The text up to the end of the line.
    private mutating func line() throws -> String {
        let start = position
        while try byte() != UInt8(ascii: "\n") {}
        return Self.name(objects.bytes[start..<position - 1])
    }

    private mutating func popName() throws -> String {
        guard case .text(let place) = try pop() else { throw fail("asks for a name that is no text") }
        return Self.name(objects.bytes[place.range])
    }

    /// A name as messages may show it: names that matter are short and of plain characters.
    private static func name(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let shown = bytes.prefix(100).map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: shown, as: UTF8.self) + (bytes.count > shown.count ? "…" : "")
    }

    private func global(_ name: String) throws -> PickleGlobal {
        guard let global = PickleGlobal(name) else {
            throw fail("asks for \(name), which weights do not need", Self.conversion)
        }
        return global
    }

    /// Puts what the call of a global with arguments stands for in the place of both.
    private mutating func call() throws {
        let arguments = objects.elements(try pop(), of: .tuple)
        guard case .global(let global) = try pop(), let arguments else {
            throw fail("calls something that cannot be called")
        }
        switch global {
        case .orderedDictionary: try makeOrderedDictionary(arguments)
        case .rebuildTensor: try makeTensor(arguments)
        case .rebuildParameter:
            guard case .tensor(let index)? = arguments.first else {
                throw fail("has a parameter that is not made of a tensor")
            }
            push(.tensor(index))
        case .storageType: throw fail("makes a storage other than by reference")
        }
    }

    /// Python 2 gives the entries as a list of lists.
    private mutating func makeOrderedDictionary(_ arguments: [PickleValue]) throws {
        var entries: [PickleValue] = []
        if let list = arguments.first {
            for pair in objects.elements(list, of: .list, .tuple) ?? [list] {
                guard let pair = objects.elements(pair, of: .list, .tuple), pair.count == 2 else {
                    throw fail("has an OrderedDict of something other than pairs")
                }
                // The pair may be one and the same over and over, so that the list has cost less.
                try charge(64)
                entries += pair
            }
        }
        try make(.orderedDictionary, entries)
    }

    /// The state of an OrderedDict (versions of modules) is of no interest; nothing else has one.
    private mutating func setState() throws {
        _ = try pop()
        let target = try pop()
        guard objects.elements(target, of: .orderedDictionary) != nil else {
            throw fail("sets the state of something that weights do not need", Self.conversion)
        }
        push(target)
    }

    /// Arguments are storage, offset, shape, strides, whether a gradient is wanted, hooks, and marks of tensors
    /// whose numbers are not what they look like.
    private mutating func makeTensor(_ arguments: [PickleValue]) throws {
        guard arguments.count >= 4, case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1], offset >= 0,
            case .container(let shape) = arguments[2], case .container(let strides) = arguments[3],
            let dimensions = objects.sizes(shape), let steps = objects.sizes(strides),
            dimensions.count == steps.count
        else { throw fail("has a malformed tensor") }
        guard arguments.count <= 6 || isEmpty(arguments[6]) else {
            throw fail("has a conjugate or negated tensor, which no weights are", Self.conversion)
        }
        try charge(2 * MemoryLayout<PickleObjects.Tensor>.stride)
        push(.tensor(objects.tensors.count))
        add(PickleObjects.Tensor(storage: storage, offset: offset, shape: shape, strides: strides))
    }

    private func isEmpty(_ value: PickleValue) -> Bool {
        value == .null || objects.elements(value, of: .dictionary, .orderedDictionary)?.isEmpty == true
    }

    /// Keys of storages are numbers.
    private static let maximumKey = 256

    /// The storage that a persistent id refers to: `("storage", type, key, location, count)`, in the older stream
    /// with the part of it that is meant, `(key of the part, offset, count)`, or nothing.
    private mutating func storage(_ id: PickleValue) throws -> PickleValue {
        guard let id = objects.elements(id, of: .tuple), let kind = id.first.flatMap(objects.text) else {
            throw fail("refers to something by a malformed id")
        }
        guard kind == "storage" else {
            throw fail(
                "holds a whole model with its program, not a state dict",
                "save its weights alone, with torch.save(model.state_dict(), PATH)")
        }
        guard id.count == 5 || id.count == 6, case .global(.storageType(let type)) = id[1],
            case .text(let key) = id[2], key.count <= Self.maximumKey, case .integer(let count) = id[4],
            count >= 0
        else { throw fail("refers to a storage by a malformed id") }
        let part = try id.count == 6 ? part(id[5], of: count) : 0..<count
        try charge(2 * MemoryLayout<PickleObjects.Storage>.stride)
        add(PickleObjects.Storage(key: key, type: type, count: count, part: part))
        return .storage(objects.storages.count - 1)
    }

    private func part(_ value: PickleValue, of count: Int) throws -> Range<Int> {
        guard value != .null else { return 0..<count }
        guard let place = objects.elements(value, of: .tuple), place.count == 3,
            case .integer(let start) = place[1], case .integer(let length) = place[2],
            start >= 0, length >= 0, start <= count, length <= count - start
        else { throw fail("refers to a part outside of a storage") }
        return start..<start + length
    }
}
