/// The stream that torch wrote until 1.5, and writes when it is asked for: pickles of a magic number, the protocol's
/// version, facts about the machine, the state dict and the storages' keys; then the storages in that order, each
/// with its number of elements, 8 bytes, before it.
struct TorchStream {
    let state: TorchState
    /// Bytes in the file of each of the state's storages.
    let ranges: [Range<Int>]
    let budget: MemoryBudget

    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    private static let version = 1001

    /// Reads all but the elements of the file `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, path: String, budget: MemoryBudget) throws {
        var pickles = PickleSequence(bytes, path: path, budget: budget)
        try Self.checkStart(&pickles)
        let (root, objects) = try pickles.next("state dict")
        state = try TorchState(root, objects, path: path, budget: &pickles.budget)
        let (list, keys) = try pickles.next("storage keys")
        guard let list = keys.elements(list, of: .list) else {
            throw CheckpointError.badData("has no list of storages", path: path)
        }
        let names = list.lazy.map { keys.text($0) }
        let places = Dictionary(
            zip(state.storages.lazy.map(\.key), state.storages.indices),
            uniquingKeysWith: { first, _ in first })
        var storages = StorageSequence(bytes, position: pickles.position, path: path)
        var ranges = [Range<Int>?](repeating: nil, count: state.storages.count)
        for name in names {
            guard let name, let place = places[name], ranges[place] == nil else {
                throw CheckpointError.badData(
                    "has a storage that no tensor is in, or twice", path: path, item: name)
            }
            ranges[place] = try storages.next(state.storages[place])
        }
        self.ranges = try zip(ranges, state.storages).map { range, storage in
            guard let range else {
                throw CheckpointError.badData("lacks a storage", path: path, item: storage.key)
            }
            return range
        }
        try storages.finish()
        self.budget = pickles.budget
    }

    private static func checkStart(_ pickles: inout PickleSequence) throws {
        let (magic, start) = try pickles.next("magic number")
        guard case .largeInteger(let place) = magic, start.bytes[place.range].elementsEqual(Self.magic) else {
            throw CheckpointError.badData(
                "is a pickle, but not one of torch.save", path: pickles.path,
                remedy: "save the weights with torch.save(model.state_dict(), PATH)")
        }
        guard case .integer(version) = try pickles.next("version").value else {
            throw CheckpointError.badData("is of an unknown version of torch's stream", path: pickles.path)
        }
        let (machine, facts) = try pickles.next("machine")
        let entries = facts.elements(machine, of: .dictionary) ?? []
        for index in stride(from: 0, to: entries.count - 1, by: 2)
        where facts.text(entries[index]) == "little_endian" {
            guard entries[index + 1] == .flag(true) else { throw TorchFile.bigEndian(pickles.path) }
            return
        }
        throw CheckpointError.badData("does not say in which order its bytes are", path: pickles.path)
    }
}

/// Pickles one after the other, which share a budget.
private struct PickleSequence {
    let path: String
    var budget: MemoryBudget
    private(set) var position = 0
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer, path: String, budget: MemoryBudget) {
        self.bytes = bytes
        self.path = path
        self.budget = budget
    }

    mutating func next(_ item: String) throws -> (value: PickleValue, objects: PickleObjects) {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
        var reader = PickleReader(rest, path: path, item: item, budget: budget)
        let value = try reader.read()
        position += reader.position
        budget = reader.budget
        return (value, reader.objects)
    }
}

/// Storages one after the other, each with its number of elements before it.
private struct StorageSequence {
    private let bytes: UnsafeRawBufferPointer
    private var position: Int
    private let path: String

    init(_ bytes: UnsafeRawBufferPointer, position: Int, path: String) {
        self.bytes = bytes
        self.position = position
        self.path = path
    }

    mutating func next(_ storage: TorchState.Storage) throws -> Range<Int> {
        guard let count = bytes.integer(at: position, as: Int64.self) else { throw cutOff(storage) }
        guard count == storage.count else {
            throw CheckpointError.badData(
                "has \(count) elements where the pickle says \(storage.count)", path: path,
                item: "storage \(storage.key)")
        }
        let start = position + MemoryLayout<Int64>.size
        let (size, overflow) = storage.count.multipliedReportingOverflow(by: storage.type.bitsPerElement / 8)
        guard !overflow, size <= bytes.count - start else { throw cutOff(storage) }
        position = start + size
        return start..<position
    }

    func finish() throws {
        guard position == bytes.count else {
            throw CheckpointError.badData("goes on after its end at byte \(position)", path: path)
        }
    }

    private func cutOff(_ storage: TorchState.Storage) -> CheckpointError {
        .badData("ends within its storages: cut off or damaged", path: path, item: "storage \(storage.key)")
    }
}
