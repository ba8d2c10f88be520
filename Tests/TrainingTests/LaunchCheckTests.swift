import Distributed
import Foundation
import Logging
import QuestionAnswering
import TestSupport
import Testing

@testable import Training

/// What a run warns of before its first step.
@Suite struct LaunchCheckTests {
    private static let context = "두레는 조선 후기에 자리 잡은 마을의 공동 노동 조직이다."

    /// A dataset of questions about `context`.
    private static func dataset(_ questions: [String], context: String = context) -> String {
        let list = questions.map { question in
            #"{"id":"\#(question)","question":"\#(question)","answers":[{"text":"두레","answer_start":0}]}"#
        }
        return
            #"{"data":[{"title":"t","paragraphs":[{"context":"\#(context)","qas":[\#(list.joined(separator: ","))]}]}]}"#
    }

    /// - Returns: the warnings of a run of one step.
    private static func warnings(
        _ temporary: TemporaryFolder, training: String, validation: String? = nil, ranks: Int = 1,
        _ change: (inout TrainingSettings) -> Void = { _ in }
    ) throws -> [String] {
        var settings = try SampleModel.settings(in: temporary, steps: 1)
        settings.saving = .never
        try temporary.write(training, to: "train.json")
        settings.trainFiles = [temporary.path("train.json")]
        settings.validation = nil
        if let validation {
            try temporary.write(validation, to: "validation.json")
            settings.validation = .file(temporary.path("validation.json"))
        }
        change(&settings)
        let recorder = LogRecorder()
        _ = try valuesOnRanks(ranks) { [settings] communicator in
            let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            try TrainingRun(
                settings: settings, communicator: communicator,
                logger: communicator.isRoot ? recorder.logger : silent, status: nil
            ).run()
        }
        return recorder.all.filter { $0.hasPrefix("warning") }
    }

    @Test func aFileToTrainOnIsNoneToValidateOn() throws {
        let same = Self.dataset(["무엇?", "언제?"])
        let warnings = try Self.warnings(TemporaryFolder(), training: same, validation: same)
        let told = warnings.filter { $0.contains("says nothing about other questions") }
        #expect(told.count == 1 && told[0].contains("validation.json, /"), "\(warnings)")
        #expect(!warnings.contains { $0.contains("also trained on") }, "said once")
    }

    @Test func questionsOnBothSidesAreTold() throws {
        let warnings = try Self.warnings(
            TemporaryFolder(), training: Self.dataset(["무엇?", "언제?"]),
            validation: Self.dataset(["언제?", "어디?"]))
        let told = warnings.filter { $0.contains("1 question to validate on is trained on") }
        #expect(told.count == 1 && told[0].contains("question 언제?"), "\(warnings)")
    }

    @Test func contextsOnBothSidesAreTold() throws {
        let warnings = try Self.warnings(
            TemporaryFolder(), training: Self.dataset(["무엇?"]), validation: Self.dataset(["언제?", "어디?"]))
        #expect(
            warnings.contains {
                $0.contains("1 context to validate on, with 2 questions of 2, is also trained on")
            })
    }

    @Test func otherQuestionsAreNoMatter() throws {
        let other = Self.dataset(["무엇?"], context: "두레의 풍물은 장구와 꽹과리로 친다.")
        let warnings = try Self.warnings(
            TemporaryFolder(), training: Self.dataset(["무엇?"]), validation: other)
        #expect(!warnings.contains { $0.contains("validate on") }, "\(warnings)")
    }

    @Test func ranksWithNothingToDoAreTold() throws {
        let training = Self.dataset(["무엇?", "언제?", "어디?", "누가?"])
        let batch = try Self.warnings(TemporaryFolder(), training: training, ranks: 3) {
            $0.batchSize = .global(2)
        }
        #expect(
            batch.count { $0.contains("a step has 2 features for 3 ranks: 1 have none") } == 1, "\(batch)")
        let features = try Self.warnings(TemporaryFolder(), training: Self.dataset(["무엇?"]), ranks: 2)
        #expect(features.count { $0.contains("a step has 1 feature for 2 ranks: 1 have none") } == 1)
        let none = try Self.warnings(TemporaryFolder(), training: training, ranks: 2)
        #expect(!none.contains { $0.contains("have none") })
    }

    @Test func answersThatAreNeverGivenAreTold() throws {
        let long = Self.dataset(["무엇?"]).replacing(#""text":"두레""#, with: #""text":"\#(Self.context)""#)
        let warnings = try Self.warnings(TemporaryFolder(), training: Self.dataset(["누가?"]), validation: long)
        {
            $0.answers.maxAnswerLength = 3
        }
        #expect(
            warnings.contains { $0.contains("1 answer (100 %) of more than 3 tokens, which are never given") }
        )
    }

    @Test func answersThatNoWindowHoldsAreTold() throws {
        let long = String(repeating: "두레는 마을의 조직이다. ", count: 12).trimmingCharacters(in: .whitespaces)
        let validation = Self.dataset(["무엇?"], context: long)
            .replacing(#""text":"두레""#, with: #""text":"\#(long)""#)
        let warnings = try Self.warnings(
            TemporaryFolder(), training: Self.dataset(["누가?"]), validation: validation)
        #expect(
            warnings.contains { $0.contains("1 answer (100 %) that no window holds whole") }, "\(warnings)")
    }
}
