import Checkpoints
import Foundation
import QuestionAnswering
import Reports
import TestSupport

/// A folder such as a run leaves, made up.
struct RunCase {
    let temporary: TemporaryFolder
    /// Of the run.
    let folder: String
    let datasetPath: String

    struct Asked {
        var id = "q1"
        var question = "수도는 어디인가?"
        var gold = "서울"
        var answer = "서울"
        var start = 0
        var candidates: [(String, Double)] = []
    }

    static let context = "서울은 수도이고 부산은 항구다."

    /// - metrics: lines of the log; nil writes none.
    init(
        name: String = "run", in temporary: TemporaryFolder? = nil, asked: [Asked] = [Asked()],
        context: String = context, metrics: [String]? = standardMetrics, settings: [String: JSONValue] = [:],
        record changes: [(String, JSONValue)] = []
    ) throws {
        let temporary = try temporary ?? TemporaryFolder()
        self.temporary = temporary
        folder = temporary.file(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        datasetPath = try temporary.write(Self.dataset(asked, context).utf8, to: "validation.json")
        var flags: [(String, JSONValue)] = [
            ("model", "models/small"), ("output-dir", .string(folder)), ("train-file", ["train.json"]),
            ("validation-file", .string(datasetPath)), ("learning-rate", 5e-5), ("batch-size", 16),
            ("metric-for-best-model", "korquad_f1"), ("max-seq-length", 384),
        ]
        for (flag, value) in settings.sorted(by: { $0.key < $1.key }) {
            flags.removeAll { $0.0 == flag }
            flags.append((flag, value))
        }
        let hash = try FileHash.text(of: datasetPath)
        let record: [(String, JSONValue)] = [
            ("dure_version", "0.1.0"), ("started", "2026-11-26T01:15:26Z"), ("settings", .object(flags)),
            ("ranks", 2), ("hosts", ["a", "b"]), ("threads_per_rank", 1), ("features", 120),
            ("total_steps", 40), ("datasets", .object([(datasetPath, .string(hash))])),
            ("sequence_lengths", Self.lengths.json),
            ("validation", ["windows": 3, "windows_checksum": "abc"]),
        ]
        let kept = record.filter { member in !changes.contains { $0.0 == member.0 } }
        try write(JSONValue.object(kept + changes).indented, "run.json")
        if let metrics { try write(metrics.map { $0 + "\n" }.joined(), "metrics.jsonl") }
        try write(
            JSONValue.object(asked.map { ($0.id, .string($0.answer)) }).compact, "eval_predictions.json")
        try write(Self.candidates(asked), "eval_nbest_predictions.json")
        try write(#"{"loss":2.5,"exact_match":40.0,"korquad_f1":70.0,"windows":3}"#, "eval_results.json")
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ text: String, _ name: String) throws { try AtomicFile.write(text, to: path(name)) }

    func report() throws -> RunReport { try RunReport(folder: folder) }

    func page() throws -> String { try RunPage(report()).html }

    static let lengths = LengthHistogram(
        (0..<100).map { (tokens: 20 + $0, question: $0 / 2, window: $0 == 99 ? 1 : 0) })

    static func train(_ step: Int, loss: Double = 3, ranks: String = "[0.3,0.4]") -> String {
        #"{"event":"train","step":\#(step),"epoch":0.5,"loss":\#(loss),"learning_rate":1e-05,"grad_norm":2.0,"#
            + #""start_accuracy":0.5,"end_accuracy":0.25,"samples_per_second":32.0,"tokens_per_second":8000.0,"#
            + #""step_seconds":0.5,"compute_seconds":0.32,"communication_seconds":0.15,"waiting_seconds":0.05,"#
            + #""imbalance":0.1,"rank_compute_seconds":\#(ranks)}"#
    }

    static func evaluation(_ step: Int, loss: Double, f1: Double) -> String {
        #"{"event":"eval","step":\#(step),"epoch":1.0,"loss":\#(loss),"exact_match":40.0,"korquad_f1":\#(f1)}"#
    }

    static let standardMetrics = [
        train(10), train(20, loss: 2.8), evaluation(20, loss: 2.5, f1: 70),
        #"{"event":"save","step":20,"path":"checkpoints/step-00000020.h5"}"#,
        #"{"event":"resume","step":20,"epoch":1.0,"path":"x.h5","ranks":2}"#,
        train(30, loss: 2.6), train(40, loss: 2.4), evaluation(40, loss: 2.6, f1: 68),
    ]

    private static func dataset(_ asked: [Asked], _ context: String) -> String {
        let questions = asked.map { asked -> JSONValue in
            [
                "id": .string(asked.id), "question": .string(asked.question),
                "answers": .array(
                    asked.gold.isEmpty
                        ? [] : [["text": .string(asked.gold), "answer_start": .integer(asked.start)]]),
            ]
        }
        let paragraph: JSONValue = ["context": .string(context), "qas": .array(questions)]
        return JSONValue.object([
            ("version", "1"), ("data", [["title": "t", "paragraphs": [paragraph]]]),
        ]).compact
    }

    private static func candidates(_ asked: [Asked]) -> String {
        JSONValue.object(
            asked.map { asked in
                let list = asked.candidates.isEmpty ? [(asked.answer, 0.9)] : asked.candidates
                return (
                    asked.id,
                    .array(
                        list.map { text, probability in
                            [
                                "start_logit": 1.5, "end_logit": 2.5, "text": .string(text),
                                "probability": .number(probability),
                            ]
                        })
                )
            }
        ).compact
    }
}
