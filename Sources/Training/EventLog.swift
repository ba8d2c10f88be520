import Checkpoints
import Foundation
import QuestionAnswering

/// What `metrics.jsonl` tells, and the settings, for TensorBoard: numbers by tags such as `train/loss` and `eval/f1`.
final class EventLog {
    private let file: EventFile
    private let now: () -> Double
    /// The first step that is to come.
    private let firstStep: Int

    /// Begins a file. Throws `CheckpointError`.
    ///
    /// - resuming: where the run goes on, and the last step that a line of training had told of then. What was told
    ///   later comes again, and TensorBoard forgets it.
    /// - now: seconds since 1970.
    init(
        folder: String, resuming: (after: Int, logged: Int)? = nil,
        now: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        self.now = now
        file = try EventFile(creatingIn: folder, host: Host.name, time: now())
        firstStep = resuming.map { min($0.after, $0.logged) + 1 } ?? 0
        // TensorBoard takes the first start for the run's, and only those after it for one that makes others void.
        try file.addStart(step: firstStep, time: now())
        if resuming != nil { try repeatLines(of: "\(folder)/\(RunFolder.metricsName)") }
    }

    /// The file as one that stays open.
    var open: OpenLog {
        OpenLog(
            name: String(file.path.split(separator: "/").last ?? ""), descriptor: file.descriptor)
    }

    /// Evaluations since the last line of training, which is to come again, stay as they are.
    private func repeatLines(of path: String) throws {
        for line in try MetricsLines(path: path).lines where line.step >= firstStep {
            let members = try JSONDecoder().decode([String: Number].self, fromText: Array(line.text.utf8))
            let scalars = members.compactMap { name, number in
                number.value.map { ("\(line.event)/\(name)", Float($0)) }
            }
            try add(scalars.sorted { $0.0 < $1.0 }, step: line.step)
        }
    }

    /// Adds the numbers of a line of `metrics.jsonl`. Throws `CheckpointError`.
    func add(_ members: [(String, JSONValue)]) throws {
        var event = ""
        var step = 0
        var scalars: [(String, Float)] = []
        for (name, value) in members {
            switch (name, value) {
            case ("event", .string(let text)): event = text
            case ("step", .integer(let number)): step = number
            case (_, .integer(let number)): scalars.append((name, Float(number)))
            case (_, .number(let number)): scalars.append((name, Float(number)))
            case (_, .float(let number)): scalars.append((name, number))
            default: break
            }
        }
        try add(scalars.map { ("\(event)/\($0)", $1) }, step: step)
    }

    private func add(_ scalars: [(String, Float)], step: Int) throws {
        let wanted = scalars.filter { !$0.0.hasSuffix("/step") }
        try file.addScalars(wanted.map { (tag: $0.0, value: $0.1) }, step: step, time: now())
    }

    /// Adds what `run.json` tells as tables: the settings, and the rest.
    func describe(_ record: JSONValue) throws {
        guard case .object(let members) = record else { return }
        for (name, value) in members where name == "settings" {
            try file.addText(
                Self.table("setting", value), tag: "settings", step: firstStep, time: now())
        }
        let rest = JSONValue.object(members.filter { $0.0 != "settings" })
        try file.addText(Self.table("run", rest), tag: "run", step: firstStep, time: now())
    }

    /// A table of Markdown.
    private static func table(_ heading: String, _ value: JSONValue) -> String {
        let rows = rows(value, prefix: "").map { "| \(escaped($0.name)) | \(escaped($0.text)) |" }
        return (["| \(heading) | value |", "|---|---|"] + rows).joined(separator: "\n")
    }

    private static func rows(_ value: JSONValue, prefix: String) -> [(name: String, text: String)] {
        switch value {
        case .object(let members):
            members.flatMap { rows($1, prefix: prefix.isEmpty ? $0 : "\(prefix) \($0)") }
        case .string(let text): [(prefix, text)]
        case .array(let elements):
            [(prefix, elements.flatMap { rows($0, prefix: "") }.map(\.text).joined(separator: ", "))]
        default: [(prefix, value.compact)]
        }
    }

    /// As it is, where Markdown would read something else into it.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if "\\`*_[]<>|#".unicodeScalars.contains(scalar) { result.append("\\") }
            result.unicodeScalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return result
    }

    /// A number, or anything else.
    private struct Number: Decodable {
        let value: Double?

        init(from decoder: any Decoder) throws {
            value = try? decoder.singleValueContainer().decode(Double.self)
        }
    }
}
