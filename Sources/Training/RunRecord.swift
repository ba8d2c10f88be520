import Checkpoints
import Distributed
import Foundation
import Kernels
import QuestionAnswering
import Reports

/// `run.json`: what ran, on what, and on which data.
struct RunRecord {
    /// What tells the run from others.
    let run: String
    let settings: [(String, JSONValue)]
    let hosts: [String]
    let threads: Int
    let microBatchTokens: Int
    let features: Int
    let lengths: LengthHistogram
    let totalSteps: Int
    /// Datasets, whose content is hashed.
    let files: [String]
    /// Where the run went on from.
    var resumed: Resumption.Shared?

    var json: JSONValue {
        get throws {
            let hashes = try files.map { ($0, JSONValue.string(try FileHash.text(of: $0))) }
            return [
                "dure_version": .string(dureVersion),
                "run": .string(run),
                "started": .string(Date().ISO8601Format()),
                "settings": .object(settings),
                "ranks": .integer(hosts.count),
                "hosts": .array(hosts.map(JSONValue.string)),
                "threads_per_rank": .integer(threads),
                "micro_batch_tokens": .integer(microBatchTokens),
                "features": .integer(features),
                "sequence_lengths": lengths.json,
                "total_steps": .integer(totalSteps),
                "blas": .object([
                    ("library", .string(blasConfiguration())), ("core", .string(blasCoreName())),
                ]),
                "onednn": oneDNNVersion().map(JSONValue.string) ?? .null,
                "mpi": hosts.count > 1 ? .string(MPICommunicator.libraryVersion) : .null,
                "hdf5": .object([
                    ("library", .string(HDF5Version.library)), ("file_locking", .string("off")),
                ]),
                "datasets": .object(hashes),
                "resumed": resumed.map {
                    .object([("step", .integer($0.step)), ("path", .string($0.path))])
                } ?? .null,
            ]
        }
    }
}
