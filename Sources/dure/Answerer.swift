import Distributed
import QuestionAnswering
import Training

/// A question and the text to look for its answer in.
struct AnswerRequest: Decodable {
    let id: String
    let question: String
    let context: String

    /// Whatever stands under `id`, also where the rest is no question.
    struct Identifier: Decodable {
        let id: JSONValue

        private enum Keys: String, CodingKey {
            case id
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            id = try container.decodeIfPresent(FlexibleText.self, forKey: .id)?.json ?? .null
        }
    }

    private enum Keys: String, CodingKey {
        case id, question, context
    }

    init(id: String, question: String, context: String) {
        self.id = id
        self.question = question
        self.context = context
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        id = try container.decodeIfPresent(FlexibleText.self, forKey: .id)?.text ?? "without id"
        question = try container.decode(String.self, forKey: .question)
        context = try container.decode(String.self, forKey: .context)
    }
}

/// Answers questions with a model on this process alone.
struct Answerer {
    let preparation: DataPreparation
    let forward: DistributedForward
    let settings: AnswerSettings
    /// Answers to give to a question.
    let count: Int

    /// The best answers to each request, the chosen one first, as objects of answer, score (probability), start and
    /// end (code points). Requests are computed together.
    ///
    /// - Throws: for the first request that cannot be answered.
    func answers(to requests: [AnswerRequest]) throws -> [[JSONValue]] {
        try predictions(for: requests).map { $0.ranked.prefix(count).map(\.json) }
    }

    func predictions(for requests: [AnswerRequest]) throws -> [Prediction] {
        for request in requests { try requireText(in: request) }
        let dataset = Dataset(
            contexts: requests.map(\.context),
            questions: requests.enumerated().map { index, request in
                Question(id: request.id, text: request.question, contextIndex: index, answers: [])
            })
        let data = try preparation.evaluation(dataset).set
        let logits = try forward.logits(data) ?? []
        return try AnswerExtractor(settings: settings).predictions(
            for: dataset, features: data.features, logits: logits)
    }

    private func requireText(in request: AnswerRequest) throws {
        guard request.context.unicodeScalars.allSatisfy(\.properties.isWhitespace) else { return }
        throw DatasetError.emptyContext(
            RecordPlace(path: "question \(request.id)", record: "context"), questionID: request.id)
    }
}

extension ScoredAnswer {
    var json: JSONValue {
        [
            "answer": .string(text), "score": .float(probability), "start": .integer(start),
            "end": .integer(end),
        ]
    }
}
