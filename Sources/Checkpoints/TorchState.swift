/// What the pickle of a state dict says: tensors by name, and the storages that their elements are in.
struct TorchState {
    struct Tensor {
        let name: String
        /// Index of `storages`.
        let storage: Int
        let view: StridedView
    }

    struct Storage {
        let key: String
        let type: ElementType
        let count: Int
    }

    /// In the order of the state dict.
    private(set) var tensors: [Tensor] = []
    /// All that the pickle mentions, each once.
    private(set) var storages: [Storage] = []
    /// Texts and numbers beside the tensors.
    private(set) var metadata: [String: String] = [:]

    private let objects: PickleObjects
    private let path: String
    private var storageOfKey: [String: Int] = [:]

    /// Keys under which training programs keep the weights among other things.
    private static let nests = ["state_dict", "model_state_dict", "model"]

    /// Takes the tensors of the dictionary `root` with texts for keys, or of one in it under a usual key.
    init(
        _ root: PickleValue, _ objects: PickleObjects, path: String, budget: inout MemoryBudget
    ) throws {
        self.objects = objects
        self.path = path
        for storage in objects.storages { try add(storage, &budget) }
        guard let entries = Self.dictionary(root, objects) else {
            throw CheckpointError.badData(
                "holds no dictionary of weights", path: path,
                remedy: "save the weights with torch.save(model.state_dict(), PATH)")
        }
        let state = Self.nested(in: entries, objects) ?? entries
        for (key, value) in Self.pairs(state) { try add(value, key: key, &budget) }
        guard !tensors.isEmpty else {
            throw CheckpointError.badData(
                "holds no tensors under names", path: path,
                remedy: "save the weights with torch.save(model.state_dict(), PATH)")
        }
        for (key, value) in Self.pairs(entries) { try describe(value, key: key, &budget) }
    }

    private static func dictionary(_ value: PickleValue, _ objects: PickleObjects) -> [PickleValue]? {
        objects.elements(value, of: .dictionary, .orderedDictionary)
    }

    private static func pairs(_ entries: [PickleValue]) -> [(key: PickleValue, value: PickleValue)] {
        stride(from: 0, to: entries.count, by: 2).map { (entries[$0], entries[$0 + 1]) }
    }

    /// The entries of the first dictionary with tensors that is in `entries` under a usual key.
    private static func nested(in entries: [PickleValue], _ objects: PickleObjects) -> [PickleValue]? {
        for nest in nests {
            for (key, value) in pairs(entries) where objects.equals(key, nest) {
                guard let inner = dictionary(value, objects) else { continue }
                if pairs(inner).contains(where: { isTensor($0.value) }) { return inner }
            }
        }
        return nil
    }

    private static func isTensor(_ value: PickleValue) -> Bool {
        if case .tensor = value { true } else { false }
    }

    private mutating func add(_ storage: PickleObjects.Storage, _ budget: inout MemoryBudget) throws {
        guard let key = objects.text(.text(storage.key)) else {
            throw CheckpointError.badData("names a storage by something other than UTF-8", path: path)
        }
        guard let index = storageOfKey[key] else {
            try budget.charge(256 + 2 * key.utf8.count)
            storageOfKey[key] = storages.count
            storages.append(Storage(key: key, type: storage.type, count: storage.count))
            return
        }
        guard storages[index].type == storage.type, storages[index].count == storage.count else {
            throw CheckpointError.badData("takes a storage for two different ones", path: path, item: key)
        }
    }

    private mutating func add(
        _ value: PickleValue, key: PickleValue, _ budget: inout MemoryBudget
    ) throws {
        guard case .tensor(let index) = value, case .text(let place) = key else { return }
        guard let name = objects.text(key) else {
            throw CheckpointError.badData("holds a tensor whose name is not UTF-8", path: path)
        }
        let tensor = objects.tensors[index]
        let storage = objects.storages[tensor.storage]
        guard let storageKey = objects.text(.text(storage.key)), let storageIndex = storageOfKey[storageKey],
            let shape = objects.sizes(tensor.shape), let strides = objects.sizes(tensor.strides),
            let view = StridedView(
                shape: shape, strides: strides, offset: tensor.offset, part: storage.part,
                elementSize: storage.type.bitsPerElement / 8)
        else {
            throw CheckpointError.badData("reaches beyond its storage", path: path, item: name)
        }
        try budget.charge(256 + 2 * Int(place.count) + 4 * shape.count * MemoryLayout<Int>.stride)
        tensors.append(Tensor(name: name, storage: storageIndex, view: view))
    }

    /// Keeps what is short enough to be shown.
    private mutating func describe(
        _ value: PickleValue, key: PickleValue, _ budget: inout MemoryBudget
    ) throws {
        guard case .text(let place) = key, place.count <= 100, let name = objects.text(key),
            let text = text(value)
        else { return }
        try budget.charge(512)
        metadata[name] = text
    }

    private func text(_ value: PickleValue) -> String? {
        switch value {
        case .flag(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .text(let place): place.count <= 200 ? objects.text(value) : nil
        default: nil
        }
    }
}

extension PickleObjects {
    /// Whether `value` is this text.
    fileprivate func equals(_ value: PickleValue, _ text: String) -> Bool {
        guard case .text(let place) = value else { return false }
        return bytes[place.range].elementsEqual(text.utf8)
    }
}
