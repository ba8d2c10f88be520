import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering
import TestSupport
import Testing
import Training

@Suite struct LoadedModelTests {
    private static func load(
        _ path: String, seed: UInt64 = 42, overrides: TokenizerOverrides = TokenizerOverrides(),
        _ communicator: any Communicator = SingleProcess()
    ) throws -> LoadedModel {
        try LoadedModel(path: path, tokenizer: overrides, seed: seed, communicator: communicator)
    }

    @Test func aFoldersWeightsAreReadBitForBit() throws {
        let temporary = try TemporaryFolder()
        let written = try SampleModel.write(to: temporary.path("model"))
        let loaded = try Self.load(temporary.path("model"))
        #expect(loaded.parameters.buffer.elementsEqual(written))
        #expect(loaded.configuration.hiddenSize == 16)
        #expect(loaded.tokenizer.vocabulary.count == 2479)
        #expect(loaded.notices.isEmpty)
    }

    @Test func everyRankHasTheWeightsOfTheFirst() throws {
        let temporary = try TemporaryFolder()
        let written = try SampleModel.write(to: temporary.path("model"), spanHead: false)
        let path = temporary.path("model")
        let parameters = try valuesOnRanks(3) { communicator in
            let loaded = try Self.load(path, communicator)
            return Array(loaded.parameters.buffer)
        }
        #expect(parameters[0].prefix(1000).elementsEqual(written.prefix(1000)))
        #expect(parameters.allSatisfy { $0 == parameters[0] })
    }

    @Test func aMissingSpanHeadIsDrawnFromTheSeedAndSaidSo() throws {
        let temporary = try TemporaryFolder()
        let written = try SampleModel.write(to: temporary.path("model"), spanHead: false)
        let loaded = try Self.load(temporary.path("model"), seed: 7)
        let head = try #require(loaded.layout["qa_outputs.weight"])
        #expect(loaded.parameters.buffer[..<head.offset].elementsEqual(written[..<head.offset]))
        let drawn = FloatBuffer(count: loaded.layout.count)
        initializeParameters(
            drawn.buffer, layout: loaded.layout, configuration: loaded.configuration, seed: 7)
        #expect(loaded.parameters.buffer[head.offset...].elementsEqual(drawn.buffer[head.offset...]))
        let other = try Self.load(temporary.path("model"), seed: 8)
        #expect(!loaded.parameters.buffer[head.range].elementsEqual(other.parameters.buffer[head.range]))
        #expect(loaded.notices.count == 1)
        #expect(
            loaded.notices[0].hasSuffix(": no qa_outputs.weight, qa_outputs.bias: initialised at random"))
    }

    @Test func aVocabularyLargerThanTheEmbeddingIsRefused() throws {
        let temporary = try TemporaryFolder()
        try SampleModel.write(
            to: temporary.path("model"), configuration: SampleModel.configuration(["vocab_size": 2000]))
        let error = try #require(TrainingError.thrown { _ = try Self.load(temporary.path("model")) })
        #expect(error.exitCode == 65)
        #expect(error.description.contains("2479 entries") && error.description.contains("embedding 2000"))
        #expect(error.description.contains("vocab.txt"))
    }

    @Test func aMissingFolderFailsOnEveryRank() throws {
        for outcome in onRanks(2, { _ = try Self.load("/nowhere/model", $0) }) {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 66 && failure.rank == 0)
            #expect(failure.description.contains("/nowhere/model"))
        }
    }

    @Test func weightsThatOnlyTheFirstRankReadsFailOnEveryRank() throws {
        let temporary = try TemporaryFolder()
        try SampleModel.write(to: temporary.path("model"))
        try temporary.write("cut", to: "model/model.safetensors")
        let path = temporary.path("model")
        for outcome in onRanks(3, { _ = try Self.load(path, $0) }) {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 65 && failure.rank == 0)
            #expect(failure.description.contains("model.safetensors"))
        }
    }

    @Test func aCheckpointGivesBackWeightsVocabularyAndTokenizer() throws {
        let temporary = try TemporaryFolder()
        try SampleModel.write(to: temporary.path("model"))
        try temporary.write(
            #"{"do_lower_case": true, "strip_accents": false, "tokenize_chinese_chars": false}"#,
            to: "model/tokenizer_config.json")
        let loaded = try Self.load(temporary.path("model"))
        let store = CheckpointStore(
            directory: try OutputDirectory(creating: temporary.path), limit: 1, model: loaded.folder,
            layout: loaded.layout, tokenizerSettings: try loaded.tokenizer.checkpointAttributes())
        try store.saveWeights(
            "final.h5", step: 3, epoch: 0.5,
            tensors: FlatTensors(parameters: UnsafeBufferPointer(loaded.parameters.buffer)))
        let again = try Self.load(temporary.path("final.h5"))
        #expect(again.parameters.buffer.elementsEqual(loaded.parameters.buffer))
        #expect(again.configuration == loaded.configuration)
        #expect(again.folder.configurationText == loaded.folder.configurationText)
        #expect(again.tokenizer.vocabulary == loaded.tokenizer.vocabulary)
        #expect(again.tokenizer.settings == loaded.tokenizer.settings)
        #expect(again.notices.isEmpty)
        let text = "두레 農社 Émile"
        #expect(again.tokenizer.encode(text) == loaded.tokenizer.encode(text))
        let overridden = try Self.load(
            temporary.path("final.h5"), overrides: TokenizerOverrides(doLowerCase: false, stripAccents: true))
        #expect(!overridden.tokenizer.settings.doLowerCase)
        #expect(overridden.tokenizer.settings.stripAccents == true)
        #expect(!overridden.tokenizer.settings.tokenizeChineseCharacters)
    }
}
