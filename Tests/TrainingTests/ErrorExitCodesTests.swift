import Checkpoints
import Distributed
import Model
import QuestionAnswering
import Testing
import Training

/// The exit codes of the interface.
@Suite struct ErrorExitCodesTests {
    @Test func files() {
        func code(_ category: CheckpointError.Category) -> Int32 {
            CheckpointError(category, "what", path: "p", remedy: "r").exitCode
        }
        #expect(code(.badData) == 65 && code(.missingInput) == 66)
        #expect(code(.cannotCreate) == 73 && code(.ioFailed) == 74)
    }

    @Test func datasets() {
        #expect(DatasetError.missingFile(path: "p").exitCode == 66)
        #expect(DatasetError.unreadableFile(path: "p", reason: "r").exitCode == 74)
        #expect(DatasetError.noQuestions(paths: ["p"]).exitCode == 65)
        #expect(DatasetError.emptyContext(RecordPlace(path: "p", record: ""), questionID: "q").exitCode == 65)
    }

    @Test func texts() {
        #expect(TextError.unreadableFile(path: "p", reason: "r").exitCode == 66)
        #expect(TextError.missingSpecialToken(path: "p", token: "[CLS]").exitCode == 65)
    }

    @Test func features() {
        #expect(FeatureError.sequenceTooShort(maxSequenceLength: 3).exitCode == 64)
        #expect(FeatureError.strideTooLarge(documentStride: 9, maxSequenceLength: 9).exitCode == 64)
        #expect(FeatureError.emptyQuery(maxQueryLength: 0).exitCode == 64)
        let tooLong = FeatureError.questionTooLong(
            questionID: "q", tokenCount: 99, settings: FeatureSettings())
        #expect(tooLong.exitCode == 65)
        #expect(FeatureError.nonFiniteLogits(questionID: "q", window: 0).exitCode == 65)
    }

    @Test func modelsAndRanks() {
        #expect(ModelError(key: nil, what: "w", remedy: "r").exitCode == 65)
        #expect(
            DistributedError.replicasDiffer(what: "w", ranks: [RankName(rank: 1, host: "h")]).exitCode == 69)
    }
}
