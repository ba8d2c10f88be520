import Core

/// A record of a dataset or predictions file, for messages.
package struct RecordPlace: Sendable, Equatable, CustomStringConvertible {
    package let path: String
    /// As `data[3].paragraphs[0].qas[1]`, or `question ID`.
    package let record: String

    package init(path: String, record: String) {
        self.path = path
        self.record = record
    }

    package var description: String { record.isEmpty ? path : "\(path), \(record)" }
}

/// What can be wrong with a dataset or predictions file.
package enum DatasetError: Error, Equatable, Sendable {
    case missingFile(path: String)
    case unreadableFile(path: String, reason: String)
    /// Byte offset from 0, line from 1.
    case invalidUTF8(path: String, offset: Int, line: Int)
    /// Something other than JSON by its first bytes.
    case otherContent(path: String, FileContent)
    case malformedJSON(path: String, JSONSyntaxError)
    case wrongStructure(RecordPlace, reason: String, remedy: String = "correct this record")
    case noQuestions(paths: [String])
    case emptyContext(RecordPlace, questionID: String)
    case duplicateID(String, first: RecordPlace, second: RecordPlace)
    /// Two paths, or one path twice, of one file.
    case sameFile(String, String)
    /// Only in strict mode: answers that do not stand where `answer_start` says, or that nothing is said of.
    case misplacedAnswers(count: Int, first: MisplacedAnswer)

    /// What kind of failure it is; the command line turns it into an exit code.
    package enum Kind: Sendable {
        /// A file is not there: exit code 66.
        case missingInput
        /// A file is there but cannot be read: exit code 74.
        case unreadableInput
        /// The content is wrong: exit code 65.
        case badData
    }

    package var kind: Kind {
        switch self {
        case .missingFile: .missingInput
        case .unreadableFile: .unreadableInput
        default: .badData
        }
    }
}

extension DatasetError: CustomStringConvertible {
    /// `WHAT (WHERE): WHAT TO DO`.
    package var description: String {
        switch self {
        case .missingFile(let path):
            return "file does not exist (\(path)): check the path"
        case .unreadableFile(let path, let reason):
            return "file cannot be read: \(reason) (\(path)): check that it is a file you may read"
        case .invalidUTF8(let path, let offset, let line):
            return "not UTF-8 (\(path), line \(line), byte \(offset)): save the file as UTF-8"
        case .otherContent(let path, let content):
            return "\(content.what(insteadOf: "JSON")) (\(path)): "
                + (content.remedy ?? Self.remedy(for: content))
        case .malformedJSON(let path, let error):
            return "not JSON: \(error.reason) (\(path), line \(error.line), byte \(error.offset)): "
                + "repair the file, or fetch it again if it was cut short"
        case .wrongStructure(let place, let reason, let remedy):
            return "unexpected content: \(reason) (\(place)): \(remedy)"
        case .noQuestions(let paths):
            return "the dataset holds no questions (\(paths.joined(separator: ", "))): "
                + "give a dataset with at least one question"
        case .emptyContext(let place, let id):
            return
                "the context of question \(id) is empty (\(place)): give it a text, or remove the paragraph"
        case .duplicateID(let id, let first, let second):
            return "question id \(id) occurs twice (\(first) and \(second)): give every question its own id"
        case .sameFile(let first, let second):
            let paths = isSameText(first, second) ? first : "\(first) and \(second)"
            return "one file is given twice (\(paths)): give it once"
        case .misplacedAnswers(let count, let first):
            return
                "\(count) misplaced or missing answer\(count == 1 ? "" : "s"), the first: \(first.problem) "
                + "(\(first.place)): correct the dataset, or leave out --strict"
        }
    }

    private static func remedy(for content: FileContent) -> String {
        switch content {
        case .csv, .parquet, .arrow:
            "convert it to JSON in SQuAD's format, or to JSON lines with one question an object"
        default: "name a file of JSON"
        }
    }
}
