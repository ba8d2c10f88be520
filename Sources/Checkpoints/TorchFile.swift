/// A memory-mapped file of `torch.save` with a state dict, `pytorch_model.bin`, of either kind: the zip archive or
/// the older stream. Nothing in it is executed, and elements are read only when they are asked for.
package final class TorchFile: WeightSource, Sendable {
    package let path: String
    package let weights: [WeightDescription]
    package let metadata: [String: String]
    package var format: WeightFormat { .torch }
    /// Bytes that reading the structure was accounted for, and how many it might have been.
    let memory: (used: Int, limit: Int)
    private let file: MappedFile
    private let tensors: [Place]
    /// Of the kind that has one.
    private let archive: ZipArchive?

    /// Where a tensor's elements are.
    private struct Place {
        let view: StridedView
        /// The view's range, counted from the start of the file.
        let range: Range<Int>
        let isProtected: Bool
    }

    /// Maps `path` and reads what tensors it holds. Throws `.badData` when anything but weights is asked for in it,
    /// or when it takes more memory than a state dict of its size.
    package init(path: String) throws {
        self.path = path
        let file = try MappedFile(path: path)
        let contents = try file.withBytes { try Contents($0, path: path) }
        self.file = file
        archive = contents.archive
        metadata = contents.state.metadata
        memory = (contents.budget.used, contents.budget.limit)
        tensors = try Self.places(contents, fileSize: file.count, path: path)
        weights = contents.state.tensors.map { tensor in
            WeightDescription(
                name: tensor.name, shape: tensor.view.shape,
                type: contents.state.storages[tensor.storage].type)
        }
    }

    package func withElements<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let tensor = tensors[index]
        return try file.withBytes(in: tensor.range) { try tensor.view.withElements(in: $0, body) }
    }

    package func offset(of index: Int) -> Int? {
        tensors[index].view.isContiguous ? tensors[index].range.lowerBound : nil
    }

    package func isProtected(_ index: Int) -> Bool { tensors[index].isProtected }

    /// Checks the checksums of all entries of an archive; throws `.badData`.
    package func verify() throws {
        guard let archive else { return }
        try file.withBytes { bytes in
            for entry in archive.entries { try archive.verify(entry, bytes) }
        }
    }

    static func bigEndian(_ path: String) -> CheckpointError {
        .badData(
            "has the numbers' bytes in big-endian order", path: path,
            remedy: "save it again on a machine of the usual order")
    }

    /// Views may repeat elements, and so ask for more than is there; a state dict of its size does not.
    private static let largestTotal = 16

    private static func places(_ contents: Contents, fileSize: Int, path: String) throws -> [Place] {
        let limit = max(fileSize, MemoryBudget.smallest)
        var rest = Self.largestTotal * limit
        var names: Set<String> = []
        return try contents.state.tensors.map { tensor in
            let storage = contents.ranges[tensor.storage]
            let view = tensor.view
            guard names.insert(tensor.name).inserted else {
                throw CheckpointError.badData("is named twice", path: path, item: tensor.name)
            }
            guard view.range.upperBound <= storage.count else {
                throw CheckpointError.badData("reaches beyond its storage", path: path, item: tensor.name)
            }
            guard view.byteCount <= limit, view.byteCount <= rest else {
                throw CheckpointError.badData(
                    "repeats elements of the file to \(view.byteCount) bytes, more than weights of its size take",
                    path: path, item: tensor.name)
            }
            rest -= view.byteCount
            let start = storage.lowerBound
            return Place(
                view: view, range: start + view.range.lowerBound..<start + view.range.upperBound,
                isProtected: contents.areProtected[tensor.storage])
        }
    }
}

/// What both kinds of file say.
private struct Contents {
    let state: TorchState
    /// Of each storage, bytes in the file.
    let ranges: [Range<Int>]
    /// Of each storage, whether it has a checksum.
    let areProtected: [Bool]
    let archive: ZipArchive?
    let budget: MemoryBudget

    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        let budget = MemoryBudget(fileSize: bytes.count, path: path)
        if bytes.starts(with: WeightFormat.zipSignature) {
            let archive = try TorchArchive(bytes, path: path, budget: budget)
            (state, self.budget) = (archive.state, archive.budget)
            ranges = archive.entries.map(\.range)
            areProtected = archive.entries.map(\.isChecksummed)
            self.archive = archive.archive
        } else {
            let stream = try TorchStream(bytes, path: path, budget: budget)
            (state, ranges, self.budget) = (stream.state, stream.ranges, stream.budget)
            areProtected = Array(repeating: false, count: ranges.count)
            archive = nil
        }
    }
}
