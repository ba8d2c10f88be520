import Checkpoints
import Foundation
import QuestionAnswering

/// What a run validated on, as far as it is still there.
struct ValidationFiles {
    let record: RunRecordFile
    let folder: String

    /// The questions of the files that the run validated on, or drew the questions to validate on from; misplaced
    /// answers are repaired, as for the run.
    ///
    /// - Throws: `DatasetError`, or `CheckpointError` when a file has changed since.
    func dataset() throws -> Dataset {
        let named = record.settings["validation-file"]?.texts ?? record.settings["train-file"]?.texts ?? []
        guard !named.isEmpty else {
            throw CheckpointError(
                .badData, "names no dataset", path: RunFiles.path(RunRecordFile.name, in: folder),
                remedy: "train again with --validation-file")
        }
        let paths = named.map(place)
        for (name, path) in zip(named, paths) where RunFiles.exists(path) {
            guard let hash = record.datasets[name] else { continue }
            guard try FileHash.text(of: path) == hash else {
                throw CheckpointError(
                    .badData, "the dataset is no longer the one that the run had", path: path,
                    remedy: "put the old one back to see the questions")
            }
        }
        // Feature files, which may stand among the files to train on, hold no questions.
        return try DatasetReader.read(paths).auditingAnswers().dataset
    }

    /// A path as the run was given it. A relative one is also looked for from where the run must have stood, to call
    /// its folder what it did.
    private func place(_ path: String) -> String {
        guard !path.hasPrefix("/"), !RunFiles.exists(path),
            case .text(let output) = record.settings["output-dir"]
        else { return path }
        var suffix = output.hasPrefix("./") ? String(output.dropFirst(2)) : output
        while suffix.hasSuffix("/") { suffix.removeLast() }
        guard !suffix.isEmpty, folder.hasSuffix("/" + suffix) else { return path }
        let candidate = String(folder.dropLast(suffix.count)) + path
        return RunFiles.exists(candidate) ? candidate : path
    }

    /// The step that the answers in the folder are of: that of the last evaluation with the same results. Nil where
    /// no evaluation has them.
    func step(of evaluations: [RunMetrics.Evaluation]) -> Int? {
        struct Results: Decodable {
            let values: [EvaluationValue: Double]

            init(from decoder: any Decoder) throws {
                let all = try [String: LenientNumber](from: decoder)
                let pairs = EvaluationValue.allCases.compactMap { name in
                    all[name.rawValue]?.value.map { (name, $0) }
                }
                values = Dictionary(pairs, uniquingKeysWith: { $1 })
            }
        }
        struct LenientNumber: Decodable {
            let value: Double?

            init(from decoder: any Decoder) throws {
                value = try? decoder.singleValueContainer().decode(Double.self)
            }
        }
        let path = RunFiles.path(RunFiles.results, in: folder)
        guard let bytes = try? MappedFile.contents(of: path, limit: 64 << 20),
            let results = try? JSONDecoder().decode(Results.self, fromText: bytes), !results.values.isEmpty
        else { return nil }
        return evaluations.last { $0.values == results.values }?.step
    }
}

/// What a run answered: `eval_predictions.json`, and the candidates where they are there.
struct GivenAnswers: Sendable {
    struct Candidate: Decodable, Sendable {
        let text: String
        let probability: Double?
    }

    private let answers: [String: String]
    private let candidates: [String: [Candidate]]

    /// - Throws: `CheckpointError`.
    init(folder: String) throws {
        answers = try Self.read([String: String].self, RunFiles.answers, in: folder)
        candidates =
            RunFiles.exists(RunFiles.path(RunFiles.candidates, in: folder))
            ? try Self.read([String: [Candidate]].self, RunFiles.candidates, in: folder) : [:]
    }

    private static func read<Value: Decodable>(
        _ type: Value.Type, _ name: String, in folder: String
    ) throws -> Value {
        let path = RunFiles.path(name, in: folder)
        let bytes = try MappedFile.contents(of: path)
        guard let value = try? JSONDecoder().decode(type, fromText: bytes) else {
            throw CheckpointError(
                .badData, "is damaged or holds no answers", path: path,
                remedy: "make it again with dure evaluate")
        }
        return value
    }

    /// Nil where the question was not asked.
    func answer(to id: String) -> String? { answers[id] }

    /// Best first.
    func candidates(for id: String) -> [Candidate] { candidates[id] ?? [] }
}
