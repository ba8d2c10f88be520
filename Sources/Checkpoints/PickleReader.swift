/// Reads a pickle as torch writes them for weights, protocols 2 to 5, and executes nothing: what it may ask for by
/// name is in `PickleGlobal`, and becomes a record of the values it was asked for with. Anything else is `.badData`.
///
/// Bounded are memory (by the budget), nesting, and time (linear in the pickle's length).
struct PickleReader {
    let path: String
    /// The pickle's name inside the file, if it has one.
    let item: String?
    private(set) var objects: PickleObjects
    private(set) var budget: MemoryBudget
    /// Bytes read; after `read`, the pickle's length.
    private(set) var position = 0
    private let end: Int
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [UInt32: PickleValue] = [:]

    /// Writers put at most 1000 elements onto the stack at once, but for long tuples.
    private static let maximumStack = 1 << 16
    /// State dicts are three deep.
    private static let maximumDepth = 100

    /// Prepares to read the pickle at the start of `bytes`, which must stay valid while this or a value is used;
    /// `path` and `item` are for messages.
    init(_ bytes: UnsafeRawBufferPointer, path: String, item: String?, budget: MemoryBudget) {
        self.path = path
        self.item = item
        self.budget = budget
        objects = PickleObjects(bytes)
        // Places in the pickle are kept in 32 bits.
        end = min(bytes.count, Int(UInt32.max))
    }

    /// The pickle's value.
    mutating func read() throws -> PickleValue {
        guard try byte() == Opcode.protocolVersion, (2...5).contains(try byte()) else {
            throw fail("is not a pickle of protocol 2 to 5")
        }
        while true {
            let opcode = try byte()
            if opcode == Opcode.stop { return try result() }
            try execute(opcode)
            guard stack.count <= Self.maximumStack, marks.count <= Self.maximumDepth else { throw tooDeep() }
        }
    }

    private func result() throws -> PickleValue {
        guard stack.count == 1, marks.isEmpty else { throw fail("ends in the middle of a value") }
        return stack[0]
    }

    private mutating func execute(_ opcode: UInt8) throws {
        if let value = try constant(opcode) {
            stack.append(value)
        } else if try !executeContainer(opcode), try !executeMemo(opcode), try !executeCall(opcode) {
            throw fail(
                "has opcode 0x\(String(opcode, radix: 16)), which weights do not need", Self.conversion)
        }
    }

    static let conversion =
        "convert it with a program that you trust it to (transformers: save_pretrained, model.safetensors)"

    func fail(
        _ what: String, _ remedy: String = "the file is damaged or holds no weights: copy it or save it again"
    ) -> CheckpointError {
        .badData(what, path: path, item: item, remedy: remedy)
    }

    private func tooDeep() -> CheckpointError {
        fail("nests values deeper than any weights", Self.conversion)
    }
}

// MARK: Bytes and constants

extension PickleReader {
    mutating func byte() throws -> UInt8 { try number(UInt8.self) }

    private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let place = try take(UInt64(MemoryLayout<Number>.size))
        guard let number = objects.bytes.integer(at: place.range.lowerBound, as: type) else { throw cutOff() }
        return number
    }

    /// The next `count` bytes.
    mutating func take(_ count: UInt64) throws -> PickleBytes {
        guard count <= UInt64(end - position) else { throw cutOff() }
        defer { position += Int(count) }
        return PickleBytes(start: UInt32(position), count: UInt32(count))
    }

    private func cutOff() -> CheckpointError {
        fail("ends within a pickle, at its byte \(end): cut off or damaged")
    }

    /// The value that `opcode` stands for by itself.
    private mutating func constant(_ opcode: UInt8) throws -> PickleValue? {
        switch opcode {
        case UInt8(ascii: "N"): .null
        case 0x88: .flag(true)
        case 0x89: .flag(false)
        case UInt8(ascii: "K"): .integer(Int(try byte()))
        case UInt8(ascii: "M"): .integer(Int(try number(UInt16.self)))
        case UInt8(ascii: "J"): .integer(Int(try number(Int32.self)))
        case 0x8A: integer(try take(UInt64(try byte())))
        case 0x8B: integer(try take(UInt64(try number(UInt32.self))))
        case UInt8(ascii: "G"): .real(Double(bitPattern: try number(UInt64.self).byteSwapped))
        // Texts, and bytes or the texts of Python 2.
        case 0x8C, UInt8(ascii: "U"), UInt8(ascii: "C"): .text(try take(UInt64(try byte())))
        case UInt8(ascii: "X"), UInt8(ascii: "T"), UInt8(ascii: "B"):
            .text(try take(UInt64(try number(UInt32.self))))
        case 0x8D, 0x8E: .text(try take(try number(UInt64.self)))
        default: nil
        }
    }

    private func integer(_ place: PickleBytes) -> PickleValue {
        guard place.count <= 8 else { return .largeInteger(place) }
        let bytes = objects.bytes[place.range]
        var value: Int = bytes.last.map { $0 & 0x80 != 0 } == true ? -1 : 0
        for byte in bytes.reversed() { value = value << 8 | Int(byte) }
        return .integer(value)
    }
}

// MARK: Stack and memo

extension PickleReader {
    mutating func push(_ value: PickleValue) { stack.append(value) }

    mutating func pop() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0) else { throw fail("takes a value that is not there") }
        return stack.removeLast()
    }

    /// The values since the last mark.
    mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw fail("takes values since a mark that is not there") }
        return takeLast(stack.count - mark)
    }

    /// A copy: a slice would make removing copy all the rest.
    private mutating func takeLast(_ count: Int) -> [PickleValue] {
        let values = Array(stack.suffix(count))
        stack.removeLast(count)
        return values
    }

    private func top() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else {
            throw fail("takes a value that is not there")
        }
        return value
    }

    /// Executes an opcode that moves values between stack and memo; false when `opcode` is none.
    private mutating func executeMemo(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): stack.append(try top())
        case UInt8(ascii: "q"): try memoize(UInt32(try byte()))
        case UInt8(ascii: "r"): try memoize(try number(UInt32.self))
        case 0x94: try memoize(UInt32(truncatingIfNeeded: memo.count))
        case UInt8(ascii: "h"): stack.append(try memoized(UInt32(try byte())))
        case UInt8(ascii: "j"): stack.append(try memoized(try number(UInt32.self)))
        case 0x95:
            let count = try number(UInt64.self)
            guard count <= UInt64(end - position) else { throw cutOff() }
        default: return false
        }
        return true
    }

    private mutating func memoize(_ key: UInt32) throws {
        let value = try top()
        // A slot of a hash table that has just doubled.
        if memo.updateValue(value, forKey: key) == nil { try budget.charge(80) }
    }

    private func memoized(_ key: UInt32) throws -> PickleValue {
        guard let value = memo[key] else { throw fail("asks for the unknown value \(key)") }
        return value
    }
}

// MARK: Objects

extension PickleReader {
    mutating func charge(_ bytes: Int) throws { try budget.charge(bytes) }

    mutating func add(_ storage: PickleObjects.Storage) { objects.storages.append(storage) }

    mutating func add(_ tensor: PickleObjects.Tensor) { objects.tensors.append(tensor) }

    /// Executes an opcode that makes or fills a container; false when `opcode` is none.
    private mutating func executeContainer(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: ")"): try make(.tuple, [])
        case UInt8(ascii: "]"): try make(.list, [])
        case UInt8(ascii: "}"): try make(.dictionary, [])
        case UInt8(ascii: "t"): try make(.tuple, try popToMark())
        case UInt8(ascii: "l"): try make(.list, try popToMark())
        case UInt8(ascii: "d"): try make(.dictionary, try pairs(try popToMark()))
        case 0x85...0x87: try make(.tuple, try pop(Int(opcode) - 0x84))
        case UInt8(ascii: "a"): try fill([.list], try pop(1))
        case UInt8(ascii: "e"): try fill([.list], try popToMark())
        case UInt8(ascii: "s"): try fill([.dictionary, .orderedDictionary], try pop(2))
        case UInt8(ascii: "u"):
            try fill([.dictionary, .orderedDictionary], try pairs(try popToMark()))
        default: return false
        }
        return true
    }

    private mutating func pop(_ count: Int) throws -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw fail("takes values that are not there") }
        return takeLast(count)
    }

    private func pairs(_ values: [PickleValue]) throws -> [PickleValue] {
        guard values.count % 2 == 0 else { throw fail("has a key without a value") }
        return values
    }

    /// Pushes a new container.
    mutating func make(_ kind: PickleObjects.Container.Kind, _ elements: [PickleValue]) throws {
        try budget.charge(2 * MemoryLayout<PickleObjects.Container>.stride)
        try chargeElements(elements.count)
        let depth = try depth(around: elements)
        stack.append(.container(objects.containers.count))
        objects.containers.append(.init(kind: kind, elements: elements, depth: depth))
    }

    /// Adds to the container on top of the stack.
    private mutating func fill(
        _ kinds: [PickleObjects.Container.Kind], _ elements: [PickleValue]
    ) throws {
        guard case .container(let index) = try top(), kinds.contains(objects.containers[index].kind) else {
            throw fail("fills something that is no container")
        }
        try chargeElements(elements.count)
        objects.containers[index].depth = max(objects.containers[index].depth, try depth(around: elements))
        objects.containers[index].elements += elements
    }

    /// Arrays have a header and may have room for twice as many.
    private mutating func chargeElements(_ count: Int) throws {
        if count > 0 { try budget.charge(64 + 2 * count * MemoryLayout<PickleValue>.stride) }
    }

    private func depth(around elements: [PickleValue]) throws -> Int {
        let inner = elements.map { element in
            if case .container(let index) = element { objects.containers[index].depth } else { 0 }
        }
        let depth = 1 + (inner.max() ?? 0)
        guard depth <= Self.maximumDepth else { throw tooDeep() }
        return depth
    }
}

private enum Opcode {
    static let protocolVersion: UInt8 = 0x80
    static let stop = UInt8(ascii: ".")
}
