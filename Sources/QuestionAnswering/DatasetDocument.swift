/// A dataset file as it is written, whichever of the kinds it is: the keys of each record tell. Keys that mean
/// nothing to it are passed over.
struct DatasetDocument: Decodable {
    /// What the file says of itself.
    let version: String?
    let records: [DatasetRecord]
    /// Whether `records` are the elements of `data`, rather than of the whole file.
    let isNested: Bool

    private enum Keys: String, CodingKey {
        case version, data
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Keys.self) {
            isNested = container.contains(.data)
            version =
                container.contains(.version)
                ? try? container.decode(FlexibleText.self, forKey: .version).text : nil
            records =
                isNested
                ? try container.decode([DatasetRecord].self, forKey: .data)
                : [try DatasetRecord(from: decoder)]
        } else if (try? decoder.unkeyedContainer()) != nil {
            isNested = false
            version = nil
            records = try decoder.singleValueContainer().decode([DatasetRecord].self)
        } else {
            throw DatasetRecord.unrecognised(decoder.codingPath)
        }
    }
}

/// An article with its paragraphs, or one question with its context.
enum DatasetRecord: Decodable {
    case article(Article)
    case row(Row)

    struct Article {
        let paragraphs: [ParagraphEntry]
        let hasCategory: Bool
        /// Whether the record is a paragraph without an article around it.
        let isParagraph: Bool
    }

    struct Row {
        let title: String?
        let context: String
        let entry: QuestionEntry
        let hasCategory: Bool
    }

    private enum Keys: String, CodingKey {
        case title, paragraphs, context, qas, question
        case category = "news_category"
        case rawHTML = "raw_html"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let hasCategory = container.contains(.category)
        if container.contains(.rawHTML), container.contains(.qas) {
            throw RecordProblem.korquad2(decoder.codingPath)
        }
        if container.contains(.paragraphs) {
            let paragraphs = try container.decodeIfPresent([ParagraphEntry].self, forKey: .paragraphs) ?? []
            self = .article(Article(paragraphs: paragraphs, hasCategory: hasCategory, isParagraph: false))
        } else if container.contains(.qas) {
            let paragraph = try ParagraphEntry(from: decoder)
            self = .article(Article(paragraphs: [paragraph], hasCategory: hasCategory, isParagraph: true))
        } else if container.contains(.context), container.contains(.question) {
            self = .row(
                Row(
                    title: container.contains(.title)
                        ? try? container.decode(FlexibleText.self, forKey: .title).text : nil,
                    context: try container.decode(String.self, forKey: .context),
                    entry: try QuestionEntry(from: decoder), hasCategory: hasCategory))
        } else {
            throw Self.unrecognised(decoder.codingPath)
        }
    }

    static func unrecognised(_ path: [any CodingKey]) -> RecordProblem {
        RecordProblem(
            codingPath: path,
            reason: "not a record of a dataset; understood are SQuAD, KorQuAD 1.0, KLUE-MRC, goorm and "
                + "AI Hub: a list \"data\" of articles with \"paragraphs\" of \"context\" and \"qas\", or a "
                + "list, or lines, of questions with \"context\", \"question\" and \"answers\"")
    }
}

struct ParagraphEntry: Decodable {
    /// Empty for whatever stands there, or does not, in a paragraph without questions.
    let context: String
    let qas: [QuestionEntry]

    private enum Keys: String, CodingKey {
        case context, qas
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let isEmpty = try container.decodeNil(forKey: .qas)
        qas = isEmpty ? [] : try container.decode([QuestionEntry].self, forKey: .qas)
        context =
            qas.isEmpty
            ? (try? container.decode(String.self, forKey: .context)) ?? ""
            : try container.decode(String.self, forKey: .context)
    }
}

struct QuestionEntry: Decodable {
    let id: String
    let question: String
    /// Nil where nothing is said of answers.
    let answers: [AnswerEntry]?
    let isImpossible: Bool?
    let shape: Shape

    /// Keys and forms that tell kinds apart.
    struct Shape: OptionSet {
        let rawValue: Int
        static let guid = Shape(rawValue: 1)
        static let klueKeys = Shape(rawValue: 2)
        static let newsKeys = Shape(rawValue: 4)
    }

    private enum Keys: String, CodingKey {
        case id, guid, question, answers, answer
        case answerStart = "answer_start"
        case questionID = "question_id"
        case isImpossible = "is_impossible"
        case plausibleAnswers = "plausible_answers"
        case questionType = "question_type"
        case classType = "classtype"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        id = try Self.identifier(container)
        question = try container.decode(String.self, forKey: .question)
        let isImpossible =
            container.contains(.isImpossible)
            ? try container.decode(FlexibleFlag.self, forKey: .isImpossible).value : nil
        let key = [Keys.answers, .answer].first { (try? container.decodeNil(forKey: $0)) == false }
        let isSingle = key.map { AnswerList.isSingle(in: container, forKey: $0) } ?? false
        // What an impossible question has for an answer is not looked at.
        answers =
            isImpossible == true
            ? [] : try key.map { try AnswerList(container, forKey: $0, starts: .answerStart).answers }
        self.isImpossible = isImpossible
        shape = Self.shape(container, hasSingleAnswer: isSingle)
    }

    private static func identifier(_ container: KeyedDecodingContainer<Keys>) throws -> String {
        let keys = [Keys.guid, .id, .questionID]
        guard let key = keys.first(where: { (try? container.decodeNil(forKey: $0)) == false }) else {
            throw RecordProblem(
                codingPath: container.codingPath, reason: "no \"id\", \"guid\" or \"question_id\"")
        }
        return try container.decode(FlexibleText.self, forKey: key).text
    }

    private static func shape(_ container: KeyedDecodingContainer<Keys>, hasSingleAnswer: Bool) -> Shape {
        var shape: Shape = []
        if container.contains(.guid) {
            shape.insert(.guid)
            // SQuAD 2.0 has two of these keys as well, but calls its questions' names "id".
            if [Keys.isImpossible, .plausibleAnswers, .questionType].contains(where: container.contains) {
                shape.insert(.klueKeys)
            }
        }
        if hasSingleAnswer || container.contains(.classType) || container.contains(.questionID) {
            shape.insert(.newsKeys)
        }
        return shape
    }

    /// What the dataset says: `is_impossible` has the last word.
    var goldAnswers: [Answer] {
        isImpossible == true ? [] : (answers ?? []).map { Answer(text: $0.text, start: $0.start) }
    }
}
