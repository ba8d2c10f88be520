import Core
import Foundation
import Model

/// An open Dure checkpoint of which everything but the tensors has been read and checked.
///
/// Damage is found by the seal at the end of the file, by the checksums of HDF5's format 1.10 (structure, attributes)
/// and by Fletcher-32 (content): a tensor is read as it was written or not at all.
// Every use of the file goes through the library's lock.
package final class CheckpointFile: @unchecked Sendable {
    package let path: String
    package let kind: CheckpointKind
    /// All but the tensors.
    package let contents: TrainingCheckpoint
    private let file: HDF5Object
    private let model: HDF5Object
    package let weights: [WeightDescription]

    /// Opens `path`; throws `CheckpointError` when it is missing, no Dure checkpoint, of a newer format, or damaged.
    package convenience init(path: String) throws {
        let seal = try Self.seal(of: path)
        guard seal != .broken else { throw Self.damage(in: path) }
        try self.init(path: path, isSealed: seal == .intact)
    }

    private init(path: String, isSealed: Bool) throws {
        self.path = path
        let file = try HDF5Object.openFile(path)
        let contents = try HDF5.locked { try Self.readContents(file, isSealed: isSealed) }
        let model = try file.openGroup(CheckpointPath.model)
        weights = try HDF5.locked {
            try model.memberNames().map { name in
                WeightDescription(name: name, shape: try model.describeFloats(name).shape)
            }
        }
        self.file = file
        self.model = model
        self.contents = contents
        kind = contents.kind
    }

    /// Reads the optimizer's running averages into flat buffers; every parameter must be there.
    package func readOptimizer(
        layout: ParameterLayout, average: UnsafeMutableBufferPointer<Float>,
        squaredAverage: UnsafeMutableBufferPointer<Float>
    ) throws {
        precondition(average.count == layout.count && squaredAverage.count == layout.count)
        guard kind == .training else {
            throw CheckpointError.badData(
                "carries weights alone, no state of training", path: path,
                remedy: "resume from a file under checkpoints/")
        }
        try HDF5.locked {
            let optimizer = try file.openGroup(CheckpointPath.optimizer)
            for (name, values) in [
                (CheckpointPath.average, average), (CheckpointPath.squaredAverage, squaredAverage),
            ] {
                let group = try optimizer.openGroup(name)
                for parameter in layout.parameters {
                    let part = UnsafeMutableBufferPointer(rebasing: values[parameter.range])
                    try group.readFloats(parameter.name, shape: parameter.shape, into: part)
                }
            }
        }
    }

    /// Calls `body` with each group of tensors, by its path from `/`.
    func forEachTensorGroup(_ body: (String, borrowing HDF5Object) throws -> Void) throws {
        try HDF5.locked {
            try body(CheckpointPath.model, model)
            guard kind == .training else { return }
            let optimizer = try file.openGroup(CheckpointPath.optimizer)
            for name in [CheckpointPath.average, CheckpointPath.squaredAverage] {
                try body("\(CheckpointPath.optimizer)/\(name)", try optimizer.openGroup(name))
            }
        }
    }

    private static func seal(of path: String) throws -> FileSeal.State {
        let file = try MappedFile(path: path)
        let start = file.withBytes { Array($0.prefix(FileContent.bytesLookedAt)) }
        let remedy = "name a checkpoint that dure has saved"
        if let error = HDF5.otherContent(start, path: path, remedy: remedy) { throw error }
        return FileSeal.state(of: file)
    }

    /// The error about a file of which the seal is broken; says which tensor is hurt where its checksum tells.
    private static func damage(in path: String) -> CheckpointError {
        do {
            let file = try CheckpointFile(path: path, isSealed: true)
            try file.forEachTensorGroup { _, group in
                for name in try group.memberNames() {
                    try group.withFloats(name, shape: try group.describeFloats(name).shape) { _ in }
                }
            }
        } catch let error as CheckpointError where error.item != nil && error.category == .badData {
            return error
        } catch {}
        return .badData(
            "is damaged, its bytes do not give the checksum at its end", path: path,
            remedy: "use another copy or an earlier checkpoint")
    }

    private static func readContents(
        _ file: borrowing HDF5Object, isSealed: Bool
    ) throws -> TrainingCheckpoint {
        try checkVersion(file)
        let configuration = try file.openDataset(CheckpointPath.configuration)
        guard let configurationText = String(validating: try configuration.readText(), as: UTF8.self) else {
            throw configuration.object.location.bad("is not UTF-8")
        }
        let vocabulary = try file.openDataset(CheckpointPath.vocabulary)
        var settings: [String: AttributeValue] = [:]
        for name in try vocabulary.object.attributeNames() {
            settings[name] = try vocabulary.object.readAttribute(name)
        }
        let progress =
            try file.contains(CheckpointPath.training)
            ? TrainingProgress(from: try file.openGroup(CheckpointPath.training)) : nil
        var contents = TrainingCheckpoint(
            programVersion: "unknown", step: try file.readCount(CheckpointPath.step),
            epoch: try file.readReal(CheckpointPath.epoch), configuration: configurationText,
            vocabulary: try vocabulary.readText(), tokenizerSettings: settings, progress: progress)
        try readDescription(file, isSealed: isSealed, into: &contents)
        return contents
    }

    private static func checkVersion(_ file: borrowing HDF5Object) throws {
        guard try file.hasAttribute(CheckpointPath.formatVersion) else {
            throw CheckpointError.badData(
                "is an HDF5 file but not a Dure checkpoint, attribute \(CheckpointPath.formatVersion) is missing",
                path: file.location.path, remedy: "name a checkpoint that dure has saved")
        }
        let version = try file.readCount(CheckpointPath.formatVersion)
        guard version <= TrainingCheckpoint.formatVersion, version > 0 else {
            throw CheckpointError.badData(
                "has format version \(version), and this program reads up to \(TrainingCheckpoint.formatVersion)",
                path: file.location.path, remedy: "use the version of dure that wrote it, or a newer one")
        }
    }

    /// The description is absent where another program has put the file together.
    private static func readDescription(
        _ file: borrowing HDF5Object, isSealed: Bool, into contents: inout TrainingCheckpoint
    ) throws {
        guard try file.hasAttribute(CheckpointPath.description) else {
            contents.created = "unknown"
            return
        }
        guard isSealed else {
            throw CheckpointError.badData(
                "has lost the checksum at its end, so it was cut or changed after dure had saved it",
                path: file.location.path,
                remedy: "use another copy; after a change on purpose, delete the attribute "
                    + CheckpointPath.description)
        }
        let json = Data(try file.readText(CheckpointPath.description).utf8)
        // Another byte, for Foundation traps when the last one is a bracket nested too deeply.
        guard let description = try? JSONDecoder().decode(CheckpointDescription.self, from: json + [0x0A])
        else {
            throw file.location.bad("attribute \(CheckpointPath.description) is malformed")
        }
        guard description.kind == contents.kind else {
            throw file.location.bad(
                "says it holds \(description.kind.rawValue), but the group /\(CheckpointPath.training) says otherwise"
            )
        }
        contents.created = description.created
        contents.programVersion = description.programVersion
    }
}

extension CheckpointFile: WeightSource {
    package var format: WeightFormat { .checkpoint }
    package var metadata: [String: String] { contents.metadata }

    package func withElements<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try model.withFloats(weights[index].name, shape: weights[index].shape) {
            try body(UnsafeRawBufferPointer($0))
        }
    }

    package func readWeight(_ index: Int, into destination: UnsafeMutableBufferPointer<Float>) throws {
        try model.readFloats(weights[index].name, shape: weights[index].shape, into: destination)
    }

    package func isProtected(_ index: Int) throws -> Bool {
        try model.describeFloats(weights[index].name).isChecksummed
    }

    package func tensorGroups() throws -> [TensorGroup] {
        let weights = TensorGroup(name: CheckpointPath.model, tensors: self)
        guard kind == .training else { return [weights] }
        return try HDF5.locked {
            let optimizer = try file.openGroup(CheckpointPath.optimizer)
            return try [weights]
                + [CheckpointPath.average, CheckpointPath.squaredAverage].map { name in
                    let state = try CheckpointState(try optimizer.openGroup(name), of: self)
                    return TensorGroup(name: "\(CheckpointPath.optimizer)/\(name)", tensors: state)
                }
        }
    }
}
