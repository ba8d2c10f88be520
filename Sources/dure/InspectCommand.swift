import ArgumentParser
import Checkpoints
import Foundation
import QuestionAnswering

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a checkpoint, weights file, model folder or dataset holds.",
        discussion: "dure inspect OUT/final.h5")

    @Argument(help: "The file or folder.")
    var path: String

    @Flag(help: "Read every byte; exit code 65 when something is damaged.")
    var verify = false

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        if path.hasSuffix(".json"), !path.hasSuffix(".index.json") {
            try inspectDataset()
        } else {
            let inspection = verify ? try Inspection.verify(path: path) : try Inspection(path: path)
            try printResult(json ? Self.encode(inspection) : inspection.text)
        }
    }

    private func inspectDataset() throws {
        let dataset = try DatasetReader.read([path])
        let audit = try dataset.auditingAnswers()
        let members: [(String, JSONValue)] = [
            ("path", .string(path)), ("contexts", .integer(dataset.contexts.count)),
            ("questions", .integer(dataset.questions.count)),
            ("answers", .integer(dataset.questions.reduce(0) { $0 + $1.answers.count })),
            ("misplaced_repairable", .integer(audit.repaired.count)),
            ("misplaced", .integer(audit.skipped.count)),
        ]
        try printResult(JSONValue.object(members).indented)
    }

    private static func encode(_ inspection: Inspection) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(inspection), as: UTF8.self)
    }
}
