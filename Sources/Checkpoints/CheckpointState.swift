import Model

/// One of the optimizer's groups of tensors in an open training checkpoint.
// Every use of the file goes through the library's lock.
final class CheckpointState: WeightSource, @unchecked Sendable {
    let weights: [WeightDescription]
    private let group: HDF5Object
    /// Kept open: with the file, everything in it would be closed.
    private let checkpoint: CheckpointFile

    /// Throws `.badData` when a member of `group` is not a dataset of float32.
    init(_ group: consuming HDF5Object, of checkpoint: CheckpointFile) throws {
        weights = try Self.describe(group)
        self.group = group
        self.checkpoint = checkpoint
    }

    var path: String { checkpoint.path }
    var format: WeightFormat { checkpoint.format }
    var metadata: [String: String] { [:] }

    func withElements<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try group.withFloats(weights[index].name, shape: weights[index].shape) {
            try body(UnsafeRawBufferPointer($0))
        }
    }

    func isProtected(_ index: Int) throws -> Bool {
        try group.describeFloats(weights[index].name).isChecksummed
    }

    private static func describe(_ group: borrowing HDF5Object) throws -> [WeightDescription] {
        try HDF5.locked {
            try group.memberNames().map { name in
                WeightDescription(name: name, shape: try group.describeFloats(name).shape)
            }
        }
    }
}

extension CheckpointFile {
    /// Checks that the checkpoint is all it should be: the configuration is valid, and weights and optimizer state
    /// are complete. Throws `.badData`.
    package func verify() throws {
        let layout = ParameterLayout(try ModelFolder(checkpoint: self).configuration)
        _ = try WeightNames(weights, layout: layout, path: path)
        for group in try tensorGroups().dropFirst() {
            let found = Dictionary(
                group.tensors.weights.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
            for parameter in layout.parameters where found[parameter.name] != parameter.shape {
                throw CheckpointError.badData(
                    "is missing or not of shape \(parameter.shape)", path: path,
                    item: "/\(group.name ?? "")/\(parameter.name)")
            }
        }
    }
}
