import ArgumentParser
import Checkpoints
import Foundation
import QuestionAnswering
import Training

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a checkpoint, weights file, model folder, dataset or features hold.",
        discussion: """
            dure inspect OUT/final.h5
            dure inspect --diff OUT/best.h5 OUT/final.h5

            What a file is shows in its content, not in its name. A comparison matches names with and without the \
            model's prefix, whatever the two formats, and ends with exit code 0 whatever it finds.
            """)

    @Argument(help: "The file or folder; two of them with --diff.", completion: .file())
    var paths: [String]

    @Flag(help: "Read every byte; exit code 65 when something is damaged.")
    var verify = false

    @Flag(help: "Compare two: the largest difference of each tensor.")
    var diff = false

    @Flag(help: "As JSON.")
    var json = false

    func validate() throws {
        if diff, paths.count != 2 { throw ValidationError("--diff compares two paths, not \(paths.count)") }
        if !diff, paths.count != 1 {
            throw ValidationError("give one path, not \(paths.count); two of them are compared with --diff")
        }
        if diff, verify { throw ValidationError("--diff and --verify do not go together") }
    }

    func run() throws {
        if diff { return try printDifferences() }
        for path in paths {
            if let inspection = try FeatureFileInspection(path: path) {
                try printResult(json: inspection.json.indented)
                continue
            }
            switch try InspectedFile.of(path) {
            case .weights: try printWeights(path)
            case .columns where try SavedLogits.isOne(path):
                try printResult(json: SavedLogits(path: path).json(path: path).indented)
            case .columns: try printResult(json: FeatureInspection(path: path).json.indented)
            case .json: try inspectJSON(path)
            }
        }
    }

    private func printDifferences() throws {
        for path in paths {
            guard case .columns = try InspectedFile.of(path) else { continue }
            throw CheckpointError(
                .badData, "kept features cannot be compared", path: path, remedy: "name two files of weights")
        }
        let differences = try WeightDifferences(paths[0], paths[1])
        if json { return try printResult(json: Self.encode(differences)) }
        try printResult(lines: differences.lines)
    }

    private func printWeights(_ path: String) throws {
        let inspection = verify ? try Inspection.verify(path: path) : try Inspection(path: path)
        if json { return try printResult(json: Self.encode(inspection)) }
        try printResult(lines: inspection.lines)
    }

    private func inspectJSON(_ path: String) throws {
        // A file of JSON lines has no outline; whoever reads it says what is wrong with one that is none.
        let keys = (try? JSONOutline(path: path))?.keys
        if keys?.contains("weight_map") == true { return try printWeights(path) }
        guard keys?.contains(where: ["data", "paragraphs", "qas", "question"].contains) ?? true else {
            throw CheckpointError(
                .badData,
                "is JSON, but neither a dataset (no key \"data\") nor an index of weights (no key \"weight_map\")",
                path: path, remedy: "name a dataset; predictions are read by dure score")
        }
        try printDataset(path)
    }

    private func printDataset(_ path: String) throws {
        let dataset = try DatasetReader.read([path])
        let audit = try dataset.auditingAnswers()
        let members: [(String, JSONValue)] = [
            ("path", .string(path)),
            ("kinds", .object(dataset.kinds.map { ($0.kind.rawValue, .integer($0.count)) })),
            ("articles", .integer(Set(dataset.questions.map(\.articleIndex)).count)),
            ("contexts", .integer(dataset.contexts.count)), ("questions", .integer(dataset.questions.count)),
            ("answers", .integer(dataset.questions.reduce(0) { $0 + $1.answers.count })),
            ("unanswerable", .integer(dataset.unanswerableCount)),
            ("without_answers", .integer(audit.unanswered.count)),
            ("misplaced_repairable", .integer(audit.repaired.count)),
            ("misplaced", .integer(audit.skipped.count)),
        ]
        // Which they are, for whoever wants to correct them; training goes on without.
        if verify { audit.messages().forEach(printMessage) }
        try printResult(json: JSONValue.object(members).indented)
    }

    private static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
