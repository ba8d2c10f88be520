import Foundation
import Model

/// Whether a checkpoint carries the state of training or the weights alone.
package enum CheckpointKind: String, Sendable, Codable {
    case training
    case weights
}

/// Adam's running averages, flat buffers in the order of the parameters.
package struct OptimizerState {
    /// Exponential average of the gradient (`exp_avg`).
    package let average: UnsafeBufferPointer<Float>
    /// Exponential average of the squared gradient (`exp_avg_sq`).
    package let squaredAverage: UnsafeBufferPointer<Float>

    package init(average: UnsafeBufferPointer<Float>, squaredAverage: UnsafeBufferPointer<Float>) {
        self.average = average
        self.squaredAverage = squaredAverage
    }
}

/// The flat buffers of a checkpoint.
package enum CheckpointPart: Int, Sendable, CaseIterable {
    case parameters
    case average
    case squaredAverage
}

/// Where the tensors of a checkpoint are taken from while it is written.
package protocol CheckpointTensors {
    /// Calls `body` with elements of one of the flat buffers, which nobody changes meanwhile. Every element is asked for
    /// once, in the order of the parts and their elements.
    func withElements(
        of part: CheckpointPart, in range: Range<Int>, _ body: (UnsafeBufferPointer<Float>) throws -> Void
    ) throws
}

/// Buffers that nobody changes.
package struct FlatTensors: CheckpointTensors {
    private let parameters: UnsafeBufferPointer<Float>
    private let optimizer: OptimizerState?

    /// - optimizer: needed where there is a state of training.
    package init(parameters: UnsafeBufferPointer<Float>, optimizer: OptimizerState? = nil) {
        self.parameters = parameters
        self.optimizer = optimizer
    }

    package func withElements(
        of part: CheckpointPart, in range: Range<Int>, _ body: (UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let buffer =
            switch part {
            case .parameters: parameters
            case .average: optimizer?.average
            case .squaredAverage: optimizer?.squaredAverage
            }
        guard let buffer else { preconditionFailure("there is no optimizer to write the state of") }
        try body(UnsafeBufferPointer(rebasing: buffer[range]))
    }
}

/// All of a checkpoint but the tensors.
package struct TrainingCheckpoint: Sendable, Equatable {
    /// The layout of the file that this code writes, and the newest that it reads.
    package static let formatVersion = 1

    /// The program's version.
    package var programVersion: String
    /// Steps of the run.
    package var step: Int
    /// Passes over the training features, with fraction.
    package var epoch: Double
    /// When it was saved, ISO 8601.
    package var created: String
    /// `config.json`, verbatim.
    package var configuration: String
    /// `vocab.txt`, verbatim: one entry a line.
    package var vocabulary: [UInt8]
    /// Settings of the tokenizer, by the names in `tokenizer_config.json`.
    package var tokenizerSettings: [String: AttributeValue]
    /// `nil` when the checkpoint carries weights alone.
    package var progress: TrainingProgress?

    package init(
        programVersion: String, step: Int, epoch: Double, created: Date = Date(), configuration: String,
        vocabulary: [UInt8], tokenizerSettings: [String: AttributeValue] = [:],
        progress: TrainingProgress? = nil
    ) {
        self.programVersion = programVersion
        self.step = step
        self.epoch = epoch
        self.created = created.ISO8601Format()
        self.configuration = configuration
        self.vocabulary = vocabulary
        self.tokenizerSettings = tokenizerSettings
        self.progress = progress
    }

    /// What there is beside the tensors, for people.
    var metadata: [String: String] {
        var metadata = [
            "configuration bytes": "\(configuration.utf8.count)",
            "vocabulary bytes": "\(vocabulary.count)",
        ]
        for (name, value) in tokenizerSettings { metadata["tokenizer \(name)"] = value.text }
        guard let progress = progress else { return metadata }
        metadata["seed"] = "\(progress.seed)"
        metadata["optimizer step"] = "\(progress.optimizerStep)"
        metadata["epoch index"] = "\(progress.epochIndex)"
        metadata["epoch position"] = "\(progress.epochPosition)"
        metadata["best metric"] = progress.bestMetric.map { "\($0)" }
        metadata["best step"] = progress.bestStep.map { "\($0)" }
        metadata["evaluations without improvement"] = "\(progress.evaluationsWithoutImprovement)"
        metadata["settings"] = progress.settings
        for (name, value) in progress.additional { metadata[name] = value.text }
        return metadata
    }

    package var kind: CheckpointKind { progress == nil ? .weights : .training }

    /// Writes the checkpoint with the flat buffer `parameters` (and the optimizer's state, exactly when there is
    /// `progress`) to `path`, sealed, whole or not at all. Throws `CheckpointError`.
    package func write(
        to path: String, layout: ParameterLayout, parameters: UnsafeBufferPointer<Float>,
        optimizer: OptimizerState? = nil, compression: CheckpointCompression = .none
    ) throws {
        precondition((progress == nil) == (optimizer == nil), "progress and optimizer state go together")
        precondition(parameters.count == layout.count)
        try write(
            to: path, layout: layout, tensors: FlatTensors(parameters: parameters, optimizer: optimizer),
            compression: compression)
    }

    /// The same with the tensors that `tensors` has.
    package func write(
        to path: String, layout: ParameterLayout, tensors: some CheckpointTensors,
        compression: CheckpointCompression = .none
    ) throws {
        try AtomicFile.replace(path) { temporary in
            let disk = WriteBehind(path: temporary)
            let floats = HDF5FloatWriter(compression: compression, disk: disk)
            try HDF5.locked {
                let file = try HDF5Object.createFile(at: temporary, reportedAs: path)
                try writeDescription(to: file)
                try writeTexts(to: file)
                let writer = TensorWriter(layout: layout, tensors: tensors, writer: floats)
                try writer.write(.parameters, to: try file.createGroup(CheckpointPath.model))
                if progress != nil { try writer.writeOptimizer(to: file) }
                try progress?.write(to: try file.createGroup(CheckpointPath.training))
                try file.close()
            }
            disk.finish()
            try floats.seal.append(to: temporary, reportedAs: path)
        }
    }

    private func writeDescription(to file: borrowing HDF5Object) throws {
        try file.writeAttribute(CheckpointPath.formatVersion, .integer(Self.formatVersion))
        try file.writeAttribute(CheckpointPath.step, .integer(step))
        try file.writeAttribute(CheckpointPath.epoch, .real(epoch))
        let description = CheckpointDescription(kind: kind, created: created, programVersion: programVersion)
        try file.writeAttribute(CheckpointPath.description, .text(try description.json()))
        try file.writeAttribute(CheckpointPath.programVersion, forPeople: programVersion)
        try file.writeAttribute(CheckpointPath.kind, forPeople: kind.rawValue)
        try file.writeAttribute(CheckpointPath.created, forPeople: created)
    }

    private func writeTexts(to file: borrowing HDF5Object) throws {
        _ = try file.writeText(CheckpointPath.configuration, Array(configuration.utf8))
        let vocabulary = try file.writeText(CheckpointPath.vocabulary, vocabulary)
        for (name, value) in tokenizerSettings.sorted(by: { $0.key < $1.key }) {
            try vocabulary.writeAttribute(name, value)
        }
    }
}

/// Writes flat buffers as datasets of the tensors in them.
private struct TensorWriter<Tensors: CheckpointTensors> {
    let layout: ParameterLayout
    let tensors: Tensors
    let writer: HDF5FloatWriter

    func writeOptimizer(to file: borrowing HDF5Object) throws {
        let group = try file.createGroup(CheckpointPath.optimizer)
        try write(.average, to: try group.createGroup(CheckpointPath.average))
        try write(.squaredAverage, to: try group.createGroup(CheckpointPath.squaredAverage))
    }

    func write(_ part: CheckpointPart, to group: borrowing HDF5Object) throws {
        for parameter in layout.parameters {
            let offset = parameter.range.lowerBound
            try writer.write(
                parameter.name, shape: parameter.shape,
                from: { range, body in
                    try tensors.withElements(
                        of: part, in: offset + range.lowerBound..<offset + range.upperBound, body)
                }, to: group)
        }
    }
}

/// Names in the file, by the contract.
enum CheckpointPath {
    static let formatVersion = "dure_format_version"
    static let programVersion = "dure_version"
    static let kind = "kind"
    static let step = "step"
    static let epoch = "epoch"
    static let created = "created"
    /// The texts among the attributes again, in a form that the header's checksum covers.
    static let description = "dure_description"
    static let model = "model"
    static let optimizer = "optimizer"
    static let average = "exp_avg"
    static let squaredAverage = "exp_avg_sq"
    static let training = "training"
    static let configuration = "config"
    static let vocabulary = "vocabulary"
}

/// The texts among the attributes of `/`, which stand there once for other programs (`str` in h5py, without
/// checksum) and once as this, which is what is read back.
struct CheckpointDescription: Codable {
    var kind: CheckpointKind
    var created: String
    var programVersion: String

    enum CodingKeys: String, CodingKey {
        case kind
        case created
        case programVersion = "dure_version"
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
