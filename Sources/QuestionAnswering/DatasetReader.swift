import Foundation

/// Reads SQuAD 1.1 and 2.0 and KorQuAD 1.0 files.
package enum DatasetReader {
    /// The questions of all files, in the order given.
    ///
    /// - Throws: `DatasetError`, naming the file and the record.
    package static func read(_ paths: [String]) throws -> Dataset {
        var builder = DatasetBuilder(paths: paths)
        for (index, path) in paths.enumerated() {
            try builder.add(JSONFile.decode(SquadFile.self, path: path), pathIndex: index)
        }
        return try builder.finish()
    }
}

/// Gathers the records of several files and checks what only shows across records.
private struct DatasetBuilder {
    let paths: [String]
    private var contexts: [String] = []
    private var questions: [Question] = []
    private var places: [ExactText: RecordPlace] = [:]
    private var mayBeUnanswerable = false

    init(paths: [String]) { self.paths = paths }

    mutating func add(_ file: SquadFile, pathIndex: Int) throws {
        for (articleIndex, article) in file.data.enumerated() {
            for (paragraphIndex, paragraph) in article.paragraphs.enumerated() {
                let record = "data[\(articleIndex)].paragraphs[\(paragraphIndex)]"
                try add(
                    paragraph, at: RecordPlace(path: paths[pathIndex], record: record), pathIndex: pathIndex)
            }
        }
    }

    private mutating func add(_ paragraph: SquadFile.Paragraph, at place: RecordPlace, pathIndex: Int) throws
    {
        // A paragraph without questions, as KorQuAD has one, may be anything; it still counts as a context.
        if let first = paragraph.qas.first, paragraph.context.unicodeScalars.allSatisfy(PythonText.isSpace) {
            let context = RecordPlace(path: place.path, record: place.record + ".context")
            throw DatasetError.emptyContext(context, questionID: first.id)
        }
        contexts.append(paragraph.context)
        for (index, entry) in paragraph.qas.enumerated() {
            let questionPlace = RecordPlace(path: place.path, record: "\(place.record).qas[\(index)]")
            if let earlier = places.updateValue(questionPlace, forKey: ExactText(entry.id)) {
                throw DatasetError.duplicateID(entry.id, first: earlier, second: questionPlace)
            }
            let answers = (entry.answers ?? []).map { Answer(text: $0.text, start: $0.start) }
            mayBeUnanswerable = mayBeUnanswerable || answers.isEmpty || entry.isImpossible != nil
            questions.append(
                Question(
                    id: entry.id, text: entry.question, contextIndex: contexts.count - 1, answers: answers,
                    pathIndex: pathIndex))
        }
    }

    func finish() throws -> Dataset {
        if questions.isEmpty { throw DatasetError.noQuestions(paths: paths) }
        return Dataset(
            contexts: contexts, questions: questions, paths: paths,
            squadVersion: mayBeUnanswerable ? .version2 : .version1)
    }
}

/// The shape of the file; other keys are ignored.
private struct SquadFile: Decodable {
    let data: [Article]

    struct Article: Decodable {
        let paragraphs: [Paragraph]
    }

    struct Paragraph: Decodable {
        let context: String
        let qas: [Entry]
    }

    struct Entry: Decodable {
        let id: String
        let question: String
        let answers: [AnswerEntry]?
        let isImpossible: Bool?

        enum CodingKeys: String, CodingKey {
            case id, question, answers
            case isImpossible = "is_impossible"
        }
    }

    struct AnswerEntry: Decodable {
        let text: String
        let start: Int

        enum CodingKeys: String, CodingKey {
            case text
            case start = "answer_start"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            text = try container.decode(String.self, forKey: .text)
            // Foundation reports a fraction read as Int without saying where it stands.
            let number = try container.decode(Double.self, forKey: .start)
            guard let start = Int32(exactly: number) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .start, in: container, debugDescription: "\(number) is not an offset")
            }
            self.start = Int(start)
        }
    }
}
