import Foundation
import TestSupport
import Testing

@testable import Checkpoints
@testable import Training

/// Files made by h5py to have a reader follow them out of the file, hang, or take all memory.
@Suite struct HostileHDF5Tests {
    /// Each with words of the message about it.
    static let attacks = [
        "external-file": "another file", "external-pipe": "another file", "virtual": "virtual dataset",
        "external-link": "link to another file", "link-chain": "link that leads to nothing",
        "link-loop": "link that leads to nothing", "group-loop": "is not a dataset",
        "same-object": "is the same object", "unknown-filter": "filter 32000",
        "no-storage": "never written", "never-written": "never written",
        "partly-written": "has shape [64] but only", "deflated-twice": "filter twice",
        "named-type": "type that has a name", "odd-number": "not of a type", "references": "not of a type",
        "variable-text": "variable length", "nothing": "holds nothing",
    ]

    /// A way in for an HDF5 file, and the fixtures made for it.
    enum Reader: String, CaseIterable {
        case model, checkpoint, resume, inspect, verify, export
        case weights, weightsInspected, weightsExported
        case features, logits, cache
        case keras, kerasInspected

        var layout: String {
            switch self {
            case .model, .checkpoint, .resume, .inspect, .verify, .export: "checkpoint"
            case .weights, .weightsInspected, .weightsExported: "weights"
            case .features, .logits, .cache: "columns"
            case .keras, .kerasInspected: "keras"
            }
        }

        /// Reads the file as the program would. The cache, which makes anew what it cannot use, says why instead.
        func read(_ path: String) throws {
            switch self {
            case .model: _ = try ModelFolder(path: path)
            case .checkpoint: _ = try CheckpointFile(path: path)
            case .resume: _ = try CheckpointFile(trainingState: path)
            case .inspect, .weightsInspected, .kerasInspected: _ = try Inspection(path: path)
            case .verify: try Inspection.verify(path: path)
            case .export, .weightsExported: _ = try ModelExport(path: path)
            case .weights, .keras:
                let source = try openWeights(path)
                for index in source.weights.indices { try source.withElements(of: index) { _ in } }
            case .features: _ = try PreparedColumns(path: path)
            case .logits: _ = try SavedLogits(path: path)
            case .cache:
                let folder = (path as NSString).deletingLastPathComponent
                let key = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
                let found = FeatureCache(directory: folder).find(key, vocabularySize: 10)
                guard case .unusable(let problem) = found else { return }
                throw CheckpointError.badData(problem, path: path, item: "/offsets")
            }
        }
    }

    @Test(arguments: Reader.allCases)
    func noReaderIsTakenOutOfTheFile(_ reader: Reader) throws {
        for (attack, words) in Self.attacks.sorted(by: { $0.key < $1.key }) {
            let path = Paths.fixtures.appending(path: "hostile/\(reader.layout)-\(attack).h5").path()
            let comment = Comment(rawValue: "\(reader) \(attack)")
            let error = #expect(throws: CheckpointError.self, comment) { try reader.read(path) }
            #expect(error?.category == .badData, comment)
            #expect(error?.path == path && error?.item != nil, comment)
            #expect(error?.what.contains(words) == true, "\(comment) \(error?.what ?? "")")
        }
    }
}
