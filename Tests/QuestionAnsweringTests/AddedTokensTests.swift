import Foundation
import Testing

@testable import QuestionAnswering

/// Tokens that a model was trained with and its vocabulary lacks.
struct AddedTokensTests {
    private struct Reference: Decodable {
        struct Folder: Decodable {
            let name: String
            let files: [String: String]
            let outcomes: [Outcome]
        }

        struct Outcome: Decodable {
            let ids: [Int32]
            let offsets: [Int32]

            var tokens: [Token] {
                ids.indices.map { Token(id: ids[$0], start: offsets[2 * $0], end: offsets[2 * $0 + 1]) }
            }
        }

        let vocabulary: [String]
        let texts: [String]
        let folders: [Folder]
    }

    private func settings(_ files: [String: String], _ vocabulary: Vocabulary) throws -> TokenizerSettings {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dure-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, content) in files { try Data(content.utf8).write(to: folder.appending(path: name)) }
        return try TokenizerSettings.resolve(folder: folder, vocabulary: vocabulary).settings
    }

    @Test func idsAndOffsetsAreThoseOfTransformers() throws {
        let reference: Reference = try fixture("tokenizer/added.json")
        let vocabulary = try Vocabulary(entries: reference.vocabulary, source: "fixture")
        for folder in reference.folders {
            let settings = try settings(folder.files, vocabulary)
            // As a checkpoint carries them.
            let kept = try TokenizerSettings(json: settings.json(), source: "checkpoint")
            for settings in [settings, kept] {
                let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary, settings: settings)
                for (text, outcome) in zip(reference.texts, folder.outcomes) {
                    #expect(tokenizer.encode(text) == outcome.tokens, "\(folder.name): \(text)")
                }
            }
        }
        #expect(reference.folders.count == 9)
    }
}
