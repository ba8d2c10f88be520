import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering
import TestSupport
import Testing
import Training

@Suite struct EvaluatorTests {
    private static func data(_ loaded: LoadedModel, files: [String] = [SampleModel.validationFile]) throws
        -> FeatureSet
    {
        try DataPreparation(
            configuration: loaded.configuration, tokenizer: loaded.tokenizer,
            settings: FeatureSettings(maxSequenceLength: 64, documentStride: 16)
        ).evaluation(DatasetReader.read(files)).set
    }

    private static func model(_ loaded: LoadedModel, _ data: FeatureSet) -> SpanModel {
        useSingleThreadedBLAS()
        return SpanModel(
            configuration: loaded.configuration, layout: loaded.layout, parameters: loaded.parameters,
            capacity: BatchCapacity(tokens: 256, sequenceLength: data.longest),
            pool: WorkerPool(threadCount: 1))
    }

    private static func evaluation(
        _ communicator: any Communicator = SingleProcess(), answers: AnswerSettings = AnswerSettings()
    ) throws -> Evaluation? {
        let loaded = try SampleModel.load(communicator)
        let data = try data(loaded)
        return try Evaluator(
            forward: DistributedForward(model(loaded, data), communicator), data: data, answers: answers,
            communicator: communicator
        ).run()
    }

    @Test func everyQuestionIsAnsweredAndScored() throws {
        let evaluation = try #require(try Self.evaluation())
        let dataset = try DatasetReader.read([SampleModel.validationFile])
        #expect(evaluation.predictions.map(\.questionID) == dataset.questions.map(\.id))
        for (prediction, question) in zip(evaluation.predictions, dataset.questions) {
            let context = CodePoints(dataset.context(of: question))
            let answer = try #require(prediction.answer)
            #expect(context.slice(answer.start, answer.end) == prediction.text)
        }
        #expect(
            evaluation.result.metrics
                == AnswerMetrics(dataset: dataset, predictions: Predictions(evaluation.predictions)))
        #expect(evaluation.result.windows > dataset.questions.count)
    }

    @Test func ranksDoNotChangeAByteOfTheAnswers() throws {
        let alone = try #require(try Self.evaluation())
        let together = try valuesOnRanks(3) { try Self.evaluation($0) }
        let first = try #require(together[0])
        #expect(first.result == alone.result)
        #expect(
            PredictionFiles.candidates(first.predictions) == PredictionFiles.candidates(alone.predictions))
        #expect(together[1] == nil && together[2] == nil)
    }

    @Test func theLossIsTheMeanCrossEntropyOfLabelledWindows() throws {
        let loaded = try SampleModel.load()
        let data = try Self.data(loaded)
        let model = Self.model(loaded, data)
        let logits = try #require(
            try DistributedForward(model, SingleProcess()).logits(data))
        func crossEntropy(_ logits: [Float], _ label: Int) -> Double {
            let weights = logits.map { exp(Double($0)) }
            return -log(weights[label] / weights.reduce(0, +))
        }
        let losses = try zip(data.features, logits).map { feature, logits in
            let label = try #require(feature.label)
            return (crossEntropy(logits.start, label.start) + crossEntropy(logits.end, label.end)) / 2
        }
        let result = try Evaluator(
            forward: DistributedForward(model, SingleProcess()), data: data, answers: AnswerSettings(),
            communicator: SingleProcess()
        ).run()?.result
        let loss = try #require(result?.loss)
        #expect(abs(loss - losses.reduce(0, +) / Double(losses.count)) < 1e-9 * loss)
    }

    @Test func withoutAnswersThereIsNoLoss() throws {
        let temporary = try TemporaryFolder()
        try temporary.write(
            #"{"data": [{"paragraphs": [{"context": "두레", "qas": [{"id": "q", "question": "?"}]}]}]}"#,
            to: "test.json")
        let loaded = try SampleModel.load()
        let data = try Self.data(loaded, files: [temporary.path("test.json")])
        let evaluation = try Evaluator(
            forward: DistributedForward(Self.model(loaded, data), SingleProcess()), data: data,
            answers: AnswerSettings(), communicator: SingleProcess()
        ).run()
        #expect(evaluation?.result.loss == nil && evaluation?.predictions.count == 1)
        #expect(evaluation?.result.members.first?.1 == .null)
    }

    @Test func filesHoldPredictionsCandidatesAndMetrics() throws {
        let temporary = try TemporaryFolder()
        let output = try OutputDirectory(creating: temporary.path)
        let evaluation = try #require(try Self.evaluation())
        try evaluation.write(to: output, answers: AnswerSettings())
        #expect(
            try temporary.names()
                == [
                    "eval_nbest_predictions.json", "eval_predictions.csv", "eval_predictions.json",
                    "eval_results.json",
                ])
        let answers = try temporary.object("eval_predictions.json")
        #expect(answers.count == evaluation.predictions.count)
        for prediction in evaluation.predictions {
            #expect(answers[prediction.questionID] as? String == prediction.text)
        }
        let candidates = try temporary.object("eval_nbest_predictions.json")
        let first = try #require(candidates[evaluation.predictions[0].questionID] as? [[String: Any]])
        #expect(first.count == evaluation.predictions[0].candidates.count)
        #expect(Set(first[0].keys) == ["start_logit", "end_logit", "text", "probability"])
        let results = try temporary.object("eval_results.json")
        // Foundation reads some numbers one place beside the nearest Double.
        let (written, loss) = (try #require(results["loss"] as? Double), try #require(evaluation.result.loss))
        #expect(abs(written - loss) <= 2 * loss.ulp)
        #expect(results["windows"] as? Int == evaluation.result.windows)
        #expect(results["korquad_f1"] as? Double == evaluation.result.metrics?.korquadF1)
    }

    @Test func nullOddsAreWrittenWhereAnswersMayBeMissing() throws {
        let temporary = try TemporaryFolder()
        let evaluation = try #require(
            try Self.evaluation(answers: AnswerSettings(allowsNoAnswer: true)))
        try evaluation.write(
            to: try OutputDirectory(creating: temporary.path), answers: AnswerSettings(allowsNoAnswer: true))
        let odds = try temporary.object("eval_null_odds.json")
        #expect(odds.count == evaluation.predictions.count && odds.values.allSatisfy { $0 is Double })
    }

    @Test func logitsThatAreNotFiniteFailOnEveryRank() throws {
        let outcomes = onRanks(2) { communicator in
            let loaded = try SampleModel.load(communicator)
            loaded.parameters.pointer[loaded.layout.count - 1] = .nan
            let data = try Self.data(loaded)
            _ = try Evaluator(
                forward: DistributedForward(Self.model(loaded, data), communicator), data: data,
                answers: AnswerSettings(), communicator: communicator
            ).run()
        }
        for outcome in outcomes {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 65 && failure.description.contains("not a finite number"))
        }
    }
}
