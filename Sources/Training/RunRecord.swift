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
    /// Features of the validation data, if there is any.
    let validation: FeatureSet?
    /// Datasets, and the hashes of their contents.
    let files: [(path: String, hash: String)]
    /// Where the run went on from.
    var resumed: Resumption.Shared?

    var json: JSONValue {
        [
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
            "validation": validation.map { set in
                [
                    "windows": .integer(set.count),
                    "windows_checksum": .string(String(set.checksum, radix: 16)),
                ]
            } ?? .null,
            "blas": .object([
                ("library", .string(blasConfiguration())), ("core", .string(blasCoreName())),
            ]),
            "onednn": oneDNNVersion().map(JSONValue.string) ?? .null,
            "mpi": hosts.count > 1 ? .string(MPICommunicator.libraryVersion) : .null,
            "hdf5": .object([
                ("library", .string(HDF5Version.library)), ("file_locking", .string("off")),
            ]),
            "datasets": .object(files.map { ($0.path, .string($0.hash)) }),
            "resumed": resumed.map {
                .object([("step", .integer($0.step)), ("path", .string($0.path))])
            } ?? .null,
        ]
    }
}

extension JSONValue {
    /// Writes `run.json`, which this is, again with which step's weights a run has left at its end.
    ///
    /// - best: the evaluation that is best by the metric that decides.
    func write(finalStep: Int, best: BestEvaluation?, to output: OutputDirectory?) throws {
        guard let output, case .object(let members) = self else { return }
        let end: JSONValue = [
            "step": .integer(finalStep), "best_step": best.map { .integer($0.step) } ?? .null,
            "best_metric": best.map { .number($0.value) } ?? .null,
        ]
        try output.write(
            JSONValue.object(members + [("final", end)]).indented + "\n", to: RunFolder.recordName)
    }
}
