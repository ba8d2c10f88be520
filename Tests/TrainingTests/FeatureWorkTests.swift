import QuestionAnswering
import TestSupport
import Testing
import Training

/// Layouts and cleaning through ranks, threads, columns and the cache.
@Suite struct FeatureWorkTests {
    /// Contexts with Hanja and decoration, which some answers touch.
    private static func data(seed: UInt64 = 3) throws -> PreparationCase {
        var random = SeededGenerator(seed: seed)
        let pieces = ["abc", "de(漢字)", "■", "f ", "g. ", "(大韓)", "hij", "(k)", "\n"]
        let data = try PreparationCase(contexts: 0)
        try data.write(
            (0..<20).map { number in
                let context = "x" + (0..<12).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
                let points = CodePoints(context)
                let questions = (0..<5).map { index -> JSONValue in
                    let answers = (0..<Int.random(in: 1...2, using: &random)).map { _ -> JSONValue in
                        let start = Int.random(in: 0..<points.count, using: &random)
                        return [
                            "text": .string(points.slice(start, start + 2)), "answer_start": .integer(start),
                        ]
                    }
                    return [
                        "id": .string("c\(number)q\(index)"), "question": "why", "answers": .array(answers),
                    ]
                }
                return ["context": .string(context), "qas": .array(questions)]
            })
        return data
    }

    private static func reference(_ data: PreparationCase, _ kind: FeatureKind) throws -> FeatureList {
        let builder = try FeatureBuilder(
            tokenizer: LetterTokenizer(), settings: data.settings, sparesAnswers: kind != .evaluation)
        let audit = try DatasetReader.read([data.file]).auditingAnswers()
        return FeatureList(
            try builder.features(of: audit.dataset, questions: audit.trainable, labelled: true))
    }

    private static let kinds = [FeatureKind.training(strict: false), .evaluation]

    @Test(arguments: [1, 3])
    func cleanedContextsStandBesideOriginalOnes(ranks: Int) throws {
        var data = try Self.data()
        data.settings.cleaning = TextCleaning([.hanja, .special])
        for kind in Self.kinds {
            let expected = try Self.reference(data, kind)
            let prepared = try valuesOnRanks(ranks) { [data] in try data.load(kind, threads: 2, $0) }
            #expect(prepared.allSatisfy { $0.set.features == expected })
            #expect(prepared[0].notices.contains { $0.contains("cleaning changed") })
            #expect(
                prepared[0].notices.contains { $0.contains("keep their original text") }
                    == (kind != .evaluation))
        }
        data.settings.cleaning = .none
        #expect(try data.load(.evaluation).notices.isEmpty)
    }

    @Test func everyWayOfCuttingSurvivesTheCacheAndHasItsOwnKey() throws {
        var data = try Self.data()
        var variants: [FeatureSettings] = [data.settings]
        var settings = data.settings
        settings.layout = .singleWindow
        variants.append(settings)
        settings.usesTokenTypes = false
        settings.layout = .default
        settings.splitsSentences = true
        variants.append(settings)
        for rules in [[CleaningRule.hanja], [.special], [.hanja, .special]] {
            settings = data.settings
            settings.cleaning = TextCleaning(rules)
            variants.append(settings)
        }
        for variant in variants {
            data.settings = variant
            let first = try data.load(.training(strict: false), cache: data.cache)
            let second = try data.load(.training(strict: false), cache: data.cache)
            #expect(second.set.features == first.set.features && second.notices == first.notices)
        }
        #expect(try data.folder.names("features").count { $0.hasSuffix(".h5") } == variants.count)
        #expect(data.recorder.all.count { $0.contains("from the cache") } == variants.count)
    }

    @Test func theFeaturesOfOneWindowEach() throws {
        var data = try Self.data()
        data.settings.layout = .singleWindow
        let set = try data.load(.evaluation).set
        #expect(set.count == 100 && set.features.allSatisfy { $0.window == 0 && $0.contextStart == 1 })
        #expect(set.features.contains { $0.count == 20 })
        data.settings.unanswerableWindows = .drop
        let training = try data.load(.training(strict: false)).set
        #expect(!training.features.isEmpty && training.count < set.count)
        #expect(training.features.allSatisfy { $0.label != .unanswerable })
    }
}
