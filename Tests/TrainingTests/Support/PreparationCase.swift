import Distributed
import Foundation
import Kernels
import Logging
import Model
import QuestionAnswering
import TestSupport
import Training

/// A dataset file and what is needed to prepare it, again and again.
struct PreparationCase: Sendable {
    let folder: TemporaryFolder
    var file: String
    var settings = FeatureSettings(maxSequenceLength: 20, documentStride: 4)
    var recorder = LogRecorder()

    /// Random texts of small letters; some answers misplaced, some repairable, some none.
    init(contexts: Int, seed: UInt64 = 5) throws {
        folder = try TemporaryFolder()
        file = folder.path("data.json")
        var generator = SeededGenerator(seed: seed)
        func letters(_ count: Int) -> String {
            String(
                (0..<count).map { _ in
                    Character(Unicode.Scalar(UInt8.random(in: 97...122, using: &generator)))
                })
        }
        let paragraphs = (0..<contexts).map { index in
            let context = letters(Int.random(in: 5...60, using: &generator))
            let questions = (0..<Int.random(in: 0...4, using: &generator)).map { number -> JSONValue in
                let start = Int.random(in: 0..<4, using: &generator)
                let shift = Int.random(in: 0..<8, using: &generator) == 0 ? 1 : 0
                let text = number == 3 ? "zzzzz" : String(context.dropFirst(start).prefix(2))
                return [
                    "id": .string("c\(index)q\(number)"),
                    "question": .string(letters(Int.random(in: 1...9, using: &generator))),
                    "answers": [["text": .string(text), "answer_start": .integer(start + shift)]],
                ]
            }
            return ["context": .string(context), "qas": .array(questions)] as JSONValue
        }
        try write(paragraphs)
    }

    func write(_ paragraphs: [JSONValue]) throws {
        let data: JSONValue = ["data": [["paragraphs": .array(paragraphs)]]]
        try data.compact.write(toFile: file, atomically: true, encoding: .utf8)
    }

    var cache: FeatureCache { FeatureCache(directory: folder.path("features")) }

    func preparation(_ tokenizer: any Tokenizer = LetterTokenizer()) throws -> DataPreparation {
        try DataPreparation(
            configuration: ModelConfiguration(json: SampleModel.configuration().utf8), tokenizer: tokenizer,
            settings: settings)
    }

    /// Prepares as one rank and keeps the features in `cache`.
    func load(
        _ kind: FeatureKind, part: DatasetPart = .whole, limit: Int? = nil, cache: FeatureCache? = nil,
        threads: Int = 1, _ communicator: any Communicator = SingleProcess()
    ) throws -> PreparedData {
        var logger = recorder.logger
        if !communicator.isRoot { logger.logLevel = .critical }
        let loader = try FeatureLoader(
            preparation: preparation(), identity: ContentHash(), communicator: communicator,
            pool: WorkerPool(threadCount: threads), cache: cache, logger: logger)
        let data = try loader.load(FeatureRequest(files: [file], part: part, kind: kind, limit: limit))
        loader.keep()
        return data
    }

    /// The same by the plain loop of `FeatureBuilder`, which knows nothing of ranks, threads and columns.
    func reference(_ kind: FeatureKind) throws -> FeatureList {
        let audit = try DatasetReader.read([file]).auditingAnswers()
        let builder = try FeatureBuilder(tokenizer: LetterTokenizer(), settings: settings)
        let placed = try builder.features(of: audit.dataset, questions: audit.trainable, labelled: true)
        guard kind == .evaluation else { return FeatureList(placed) }
        let misplaced = audit.dataset.questions.indices.filter { !audit.trainable.contains($0) }
        return try FeatureList(
            placed + builder.features(of: audit.dataset, questions: misplaced, labelled: false))
    }

    /// The one file of the cache.
    func keptFile() throws -> String {
        try folder.path("features/" + (folder.names("features").first { !$0.hasPrefix(".") } ?? "none"))
    }
}
