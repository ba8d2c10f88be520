/// The zip archive that torch writes since 1.6: `NAME/data.pkl` with the state dict, `NAME/data/KEY` with the
/// elements of each storage, and small entries that say how to read them.
struct TorchArchive {
    let archive: ZipArchive
    let state: TorchState
    /// Where each of the state's storages is.
    let entries: [ZipEntry]
    let budget: MemoryBudget

    /// Reads all but the elements of the file `bytes`, and checks the checksum of what it reads.
    init(_ bytes: UnsafeRawBufferPointer, path: String, budget: MemoryBudget) throws {
        var budget = budget
        let archive = try ZipArchive(bytes, path: path, budget: &budget)
        let (folder, pickle) = try Self.pickle(archive)
        if archive["\(folder)/constants.pkl"] != nil {
            throw CheckpointError.badData(
                "is a TorchScript program, not a state dict", path: path,
                remedy: "save its weights alone, with torch.save(model.state_dict(), PATH)")
        }
        try Self.checkByteOrder(archive, folder, bytes)
        try archive.verify(pickle, bytes)
        var reader = PickleReader(
            UnsafeRawBufferPointer(rebasing: bytes[pickle.range]), path: path, item: pickle.name,
            budget: budget)
        let root = try reader.read()
        guard reader.position == pickle.range.count else { throw reader.fail("goes on after its end") }
        budget = reader.budget
        let state = try TorchState(root, reader.objects, path: path, budget: &budget)
        entries = try state.storages.map { try Self.entry(of: $0, archive, folder) }
        self.archive = archive
        self.state = state
        self.budget = budget
    }

    private static func pickle(_ archive: ZipArchive) throws -> (folder: String, entry: ZipEntry) {
        let suffix = "/data.pkl"
        let found = archive.entries.filter { entry in
            entry.name.hasSuffix(suffix)
                && !entry.name.dropLast(suffix.count).utf8.contains(UInt8(ascii: "/"))
        }
        guard found.count == 1 else {
            throw CheckpointError.badData(
                "is a zip archive, but not one of torch.save: it has \(found.count) entries called data.pkl",
                path: archive.path, remedy: "save the weights with torch.save(model.state_dict(), PATH)")
        }
        return (String(found[0].name.dropLast(suffix.count)), found[0])
    }

    /// Archives of old do not say; they are little-endian.
    private static func checkByteOrder(
        _ archive: ZipArchive, _ folder: String, _ bytes: UnsafeRawBufferPointer
    ) throws {
        guard let entry = archive["\(folder)/byteorder"] else { return }
        try archive.verify(entry, bytes)
        let order = bytes[entry.range]
        if order.elementsEqual("big".utf8) { throw TorchFile.bigEndian(archive.path) }
        guard order.elementsEqual("little".utf8) else {
            throw CheckpointError.badData("names no byte order", path: archive.path, item: entry.name)
        }
    }

    private static func entry(
        of storage: TorchState.Storage, _ archive: ZipArchive, _ folder: String
    ) throws -> ZipEntry {
        let name = "\(folder)/data/\(storage.key)"
        guard let entry = archive[name] else {
            throw CheckpointError.badData("is missing from the archive", path: archive.path, item: name)
        }
        let size = storage.type.bitsPerElement / 8
        guard entry.range.count / size == storage.count else {
            throw CheckpointError.badData(
                "holds \(entry.range.count / size) elements where the pickle says \(storage.count)",
                path: archive.path, item: name)
        }
        return entry
    }
}
