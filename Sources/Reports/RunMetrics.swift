import Checkpoints
import Foundation
import QuestionAnswering

/// What `metrics.jsonl` tells of a run.
struct RunMetrics: Sendable {
    /// A line of training: means over the steps since the one before.
    struct Training: Sendable {
        let step: Int
        /// How many steps it is of.
        var steps = 1
        let values: [Double?]
        /// Forward and backward of each rank; empty in runs that did not log them.
        let rankSeconds: [Double]

        subscript(name: TrainingValue) -> Double? { values[name.index] }
    }

    /// A line of evaluation.
    struct Evaluation: Sendable {
        let step: Int
        let values: [EvaluationValue: Double]

        subscript(name: EvaluationValue) -> Double? { values[name] }
    }

    struct Resume: Sendable {
        let step: Int
        let ranks: Int?
    }

    private(set) var training: [Training] = []
    private(set) var evaluations: [Evaluation] = []
    private(set) var saves: [Int] = []
    private(set) var resumes: [Resume] = []
    /// Numbers of the lines, from 1, that could not be read.
    private(set) var damagedLines: [Int] = []

    /// Whether nothing is known.
    var isEmpty: Bool { training.isEmpty && evaluations.isEmpty && saves.isEmpty && resumes.isEmpty }

    /// The last step that any line tells of.
    var lastStep: Int { (training.map(\.step) + evaluations.map(\.step) + saves).max() ?? 0 }

    init() {}

    /// - Throws: `CheckpointError` when there is something in the file, but no line of a run.
    init(path: String) throws {
        let bytes = try MappedFile.contents(of: path)
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            guard line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) else { continue }
            guard let line = try? JSONDecoder().decode(Line.self, fromText: line), add(line) else {
                damagedLines.append(number)
                continue
            }
        }
        if isEmpty, let first = damagedLines.first {
            throw CheckpointError(
                .badData, "holds no line of a run", path: path, item: "line \(first)",
                remedy: "name the --output-dir of a dure train, or copy the file again")
        }
        countSteps()
    }

    /// - Returns: whether it was one to take.
    private mutating func add(_ line: Line) -> Bool {
        guard line.step >= 0, line.step <= Int(Int32.max) else { return false }
        switch line.event {
        case "train":
            training.append(
                Training(
                    step: line.step, values: TrainingValue.allCases.map { line.numbers[$0.rawValue] },
                    rankSeconds: line.rankSeconds))
        case "eval":
            let pairs = EvaluationValue.allCases.compactMap { name in
                line.numbers[name.rawValue].map { (name, $0) }
            }
            evaluations.append(
                Evaluation(step: line.step, values: Dictionary(pairs, uniquingKeysWith: { $1 })))
        case "save": saves.append(line.step)
        case "resume": resumes.append(Resume(step: line.step, ranks: line.ranks))
        // Of a later version, perhaps.
        default: break
        }
        return true
    }

    private mutating func countSteps() {
        var before = 0
        for index in training.indices {
            training[index].steps = max(1, training[index].step - before)
            before = training[index].step
        }
    }

    private struct Line: Decodable {
        let event: String
        let step: Int
        let ranks: Int?
        let numbers: [String: Double]
        let rankSeconds: [Double]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            event = try container.decode(String.self, forKey: Key("event"))
            step = try container.decode(Int.self, forKey: Key("step"))
            ranks = try? container.decode(Int.self, forKey: Key("ranks"))
            let seconds = try? container.decode([Double?].self, forKey: Key("rank_compute_seconds"))
            rankSeconds = seconds?.map { $0 ?? 0 } ?? []
            var numbers: [String: Double] = [:]
            for key in container.allKeys where RunMetrics.names.contains(key.stringValue) {
                numbers[key.stringValue] = try? container.decode(Double.self, forKey: key)
            }
            self.numbers = numbers
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static let names = Set(
        TrainingValue.allCases.map(\.rawValue) + EvaluationValue.allCases.map(\.rawValue))
}

/// What a line of training has, by its name there.
enum TrainingValue: String, CaseIterable {
    case loss
    case learningRate = "learning_rate"
    case gradientNorm = "grad_norm"
    case startAccuracy = "start_accuracy"
    case endAccuracy = "end_accuracy"
    case samples = "samples_per_second"
    case tokens = "tokens_per_second"
    case step = "step_seconds"
    case compute = "compute_seconds"
    case communication = "communication_seconds"
    case waiting = "waiting_seconds"

    /// Whether it differs from line to line for the batches' sake.
    var isNoisy: Bool { [.loss, .gradientNorm, .startAccuracy, .endAccuracy].contains(self) }

    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// What a line of evaluation has, by its name there.
enum EvaluationValue: String, CaseIterable {
    case loss
    case exactMatch = "exact_match"
    case f1
    case korquadExactMatch = "korquad_exact_match"
    case korquadF1 = "korquad_f1"
    case editDistance = "edit_distance"

    var title: String {
        switch self {
        case .loss: "Loss"
        case .exactMatch: "Exact match"
        case .f1: "F1"
        case .korquadExactMatch: "KorQuAD exact match"
        case .korquadF1: "KorQuAD F1"
        case .editDistance: "Edit distance"
        }
    }

    var decimals: Int { self == .loss ? 4 : 2 }

    func isBetter(_ value: Double, than other: Double) -> Bool {
        switch self {
        case .loss, .editDistance: value < other
        default: value > other
        }
    }
}
