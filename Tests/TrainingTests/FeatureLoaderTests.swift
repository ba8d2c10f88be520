import Distributed
import Foundation
import Kernels
import QuestionAnswering
import TestSupport
import Testing
import Training

@Suite struct FeatureLoaderTests {
    @Test(arguments: [1, 2, 3, 7], [1, 2, 3])
    func ranksAndThreadsDoNotChangeAFeature(_ ranks: Int, _ threads: Int) throws {
        let data = try PreparationCase(contexts: 23)
        for kind in [FeatureKind.training(strict: false), .evaluation] {
            let expected = try data.reference(kind)
            let ids = try DatasetReader.read([data.file]).questions.map(\.id)
            let sets = try valuesOnRanks(ranks) { try data.load(kind, threads: threads, $0).set }
            for set in sets {
                #expect(set.features == expected)
                #expect(set.questionIDs == ids)
            }
            #expect((sets[0].dataset != nil) == (kind == .evaluation))
        }
    }

    @Test func moreRanksThanContextsDoNoHarm() throws {
        var data = try PreparationCase(contexts: 0)
        try data.write([
            ["context": "abcdef", "qas": [["id": "q", "question": "b", "answers": []]]]
        ])
        data.settings.maxQueryLength = 3
        let sets = try valuesOnRanks(5) { [data] in try data.load(.evaluation, threads: 2, $0).set }
        #expect(sets.allSatisfy { $0.count == 1 && $0.name(0) == "q/0" })
    }

    @Test func droppedWindowsStayAway() throws {
        var data = try PreparationCase(contexts: 30)
        data.settings.unanswerableWindows = .drop
        let expected = try data.reference(.training(strict: false))
        let set = try data.load(.training(strict: false), threads: 2).set
        #expect(set.features == expected)
        let kept = try data.load(.training(strict: false), cache: data.cache).set
        let again = try data.load(.training(strict: false), cache: data.cache).set
        #expect(kept.features == expected && again.features == expected)
    }

    @Test(arguments: [1, 2, 3, 5], [1, 3])
    func theFirstQuestionThatDoesNotFitIsReported(_ ranks: Int, _ threads: Int) throws {
        let data = try PreparationCase(contexts: 0)
        let context = String(repeating: "abc", count: 9)
        try data.write(
            (0..<40).map { index in
                let question = index == 13 || index == 14 || index == 39 ? "abcdefghijklmnopqr" : "why"
                return [
                    "context": .string(context),
                    "qas": [["id": .string("q\(index)"), "question": .string(question), "answers": []]],
                ]
            })
        var own = 0
        for outcome in onRanks(ranks, { try data.load(.evaluation, cache: data.cache, threads: threads, $0) })
        {
            let error = try #require(throws: (any Error).self) { try outcome.get() }
            #expect("\(error)".contains("question q13"))
            if ranks == 1 || (error as? AgreedFailure)?.isOwn == true { own += 1 }
        }
        #expect(own == 1, "one rank reports it")
        #expect(try data.folder.names() == ["data.json"])
    }

    @Test func bothPartsOfASplitComeFromOneReading() throws {
        let data = try PreparationCase(contexts: 30)
        let all = try DatasetReader.read([data.file])
        let (training, validation) = try all.splitting(validationShare: 0.3, seed: 9)
        for _ in 0..<2 {
            let left = try data.load(
                .training(strict: false), part: .trainingShare(validationShare: 0.3, seed: 9),
                cache: data.cache)
            let right = try data.load(.evaluation, part: .validationShare(0.3, seed: 9), cache: data.cache)
            #expect(left.set.questionIDs == training.questions.map(\.id))
            #expect(right.set.questionIDs == validation.questions.map(\.id))
            #expect(
                try left.set.features == data.preparation().training(training, strict: false).set.features)
        }
        #expect(try data.folder.names("features").count == 2)
    }

    @Test(arguments: [1, 2, 7, 1000]) func aLimitTakesTheFirstQuestions(limit: Int) throws {
        let data = try PreparationCase(contexts: 20)
        let all = try DatasetReader.read([data.file])
        let share = DatasetPart.trainingShare(validationShare: 0.3, seed: 9)
        for part in [DatasetPart.whole, share] {
            let expected = try all.part(part).first(limit)
            #expect(expected.questions.count == min(limit, try all.part(part).questions.count))
            // Twice, the second time from the cache, which has those without a limit too.
            _ = try data.load(.evaluation, part: part, cache: data.cache)
            for _ in 0..<2 {
                for set in try valuesOnRanks(
                    2,
                    {
                        try data.load(
                            .evaluation, part: part, limit: limit, cache: data.cache, $0
                        ).set
                    })
                {
                    #expect(set.questionIDs == expected.questions.map(\.id))
                }
            }
            let set = try data.load(.evaluation, part: part, limit: limit, cache: data.cache).set
            #expect(set.dataset?.questions.count == expected.questions.count)
            #expect(set.features == (try data.preparation().evaluation(expected).set.features))
        }
    }

    @Test func featuresAreReadFromTheCacheAndSaySo() throws {
        let data = try PreparationCase(contexts: 20)
        for kind in [FeatureKind.training(strict: false), .evaluation] {
            let made = try data.load(kind, cache: data.cache)
            let before = data.recorder.all
            for ranks in [1, 3] {
                let read = try valuesOnRanks(ranks) { try data.load(kind, cache: data.cache, $0) }
                for (rank, part) in read.enumerated() {
                    #expect(part.set.features == made.set.features && part.set.checksum == made.set.checksum)
                    #expect(part.set.questionIDs == made.set.questionIDs)
                    #expect(part.notices == (rank == 0 ? made.notices : []))
                }
            }
            let added = data.recorder.all.dropFirst(before.count)
            #expect(added.count == 2)
            for line in added { #expect(line.hasPrefix("info: ") && line.contains("from the cache (")) }
            #expect(!made.notices.isEmpty)
        }
    }

    @Test func theSameDataUnderAnotherNameIsNamedByIt() throws {
        var data = try PreparationCase(contexts: 20)
        let made = try data.load(.training(strict: false), cache: data.cache)
        let old = data.file
        data.file = data.folder.path("other.json")
        try FileManager.default.moveItem(atPath: old, toPath: data.file)
        let read = try data.load(.training(strict: false), cache: data.cache)
        #expect(data.recorder.all.count == 1)
        #expect(made.notices.contains { $0.contains("data.json") })
        #expect(!read.notices.contains { $0.contains("data.json") })
        #expect(
            read.notices.map { $0.replacingOccurrences(of: "other.json", with: "data.json") } == made.notices)
    }

    @Test func whatFeaturesDependOnChangesTheKey() throws {
        var data = try PreparationCase(contexts: 20)
        func count() throws -> Int { try data.folder.names("features").count }
        _ = try data.load(.training(strict: false), cache: data.cache)
        _ = try data.load(.evaluation, cache: data.cache)
        _ = try data.load(
            .training(strict: false), part: .trainingShare(validationShare: 0.2, seed: 1), cache: data.cache)
        _ = try data.load(
            .training(strict: false), part: .trainingShare(validationShare: 0.2, seed: 2), cache: data.cache)
        #expect(try count() == 4)
        data.settings.documentStride = 5
        _ = try data.load(.evaluation, cache: data.cache)
        data.settings.maxSequenceLength = 21
        _ = try data.load(.evaluation, cache: data.cache)
        data.settings.maxQueryLength = 4
        _ = try data.load(.evaluation, cache: data.cache)
        data.settings.unanswerableWindows = .drop
        _ = try data.load(.training(strict: false), cache: data.cache)
        #expect(try count() == 8)
        let text = try String(contentsOfFile: data.file, encoding: .utf8)
        try (text + " ").write(toFile: data.file, atomically: true, encoding: .utf8)
        _ = try data.load(.evaluation, cache: data.cache)
        #expect(try count() == 9 && data.recorder.all.isEmpty)
    }

    @Test func strictnessIsNotTrickedByTheCache() throws {
        let data = try PreparationCase(contexts: 20)
        _ = try data.load(.training(strict: false), cache: data.cache)
        #expect(throws: DatasetError.self) { try data.load(.training(strict: true), cache: data.cache) }
    }

    @Test func aFolderThatTakesNothingIsAWarning() throws {
        let data = try PreparationCase(contexts: 5)
        try data.folder.write("", to: "file")
        let cache = FeatureCache(directory: data.folder.path("file/features"))
        let set = try data.load(.evaluation, cache: cache).set
        #expect(try set.features == data.reference(.evaluation))
        #expect(data.recorder.all.count == 1)
        #expect(data.recorder.all.first?.hasPrefix("warning: the features could not be kept") == true)
    }

    @Test func runsAtOnceOnOneCacheDoNotHarmEachOther() throws {
        let data = try PreparationCase(contexts: 20)
        let expected = try data.reference(.evaluation)
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 8) { run in
            do {
                for _ in 0..<6 {
                    let set = try data.load(.evaluation, cache: data.cache).set
                    if set.features != expected { failures.add("run \(run) differs") }
                    // Whoever looks next has to make them again, while others read.
                    if run % 2 == 0 {
                        try? Data([1, 2]).write(to: URL(filePath: data.keptFile()), options: .atomic)
                    }
                }
            } catch { failures.add("\(error)") }
        }
        #expect(failures.all.isEmpty)
        #expect(try data.folder.names("features").count == 1)
    }
}

private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var texts: [String] = []

    func add(_ text: String) { lock.withLock { texts.append(text) } }
    var all: [String] { lock.withLock { texts } }
}
