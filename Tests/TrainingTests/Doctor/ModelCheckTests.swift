import Checkpoints
import Foundation
import Kernels
import Model
import QuestionAnswering
import Testing

@testable import Training

/// Checks of a model's vocabulary, windows and weights; each where it fails and where it does not.
@Suite struct ModelCheckTests {
    private func tokenizer(
        _ words: [String], rows: Int? = nil, types: Int = 2, lowerCase: Bool = false,
        stripAccents: Bool? = nil
    ) throws -> TokenizerCheck {
        let entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words
        let json = SampleModel.configuration(["vocab_size": rows ?? entries.count, "type_vocab_size": types])
        return TokenizerCheck(
            vocabulary: try Vocabulary(entries: entries, source: "vocab.txt"),
            settings: TokenizerSettings(doLowerCase: lowerCase, stripAccents: stripAccents),
            configuration: try ModelConfiguration(json: json.utf8))
    }

    @Test func aVocabularyThatIsNotTheModels() throws {
        expectWell(try tokenizer(["한국", "A"]))
        expectFinding(
            .problem, 65, "7 entries", "embedding 6", "vocab.txt", of: try tokenizer(["한국", "A"], rows: 6))
        expectWell(try tokenizer(["한국", "A"], rows: 100))
        expectFinding(.note, 0, "never be used", of: try tokenizer(["한국", "A"], rows: 500))
    }

    @Test func lowerCasingThatTakesHangulApart() throws {
        let cased = ["한국", "A"]
        expectFinding(
            .problem, 64, "Hangul syllables apart", "--no-strip-accents",
            of: try tokenizer(cased, lowerCase: true))
        expectWell(try tokenizer(["한국", "a"], lowerCase: true, stripAccents: false))
        // As in bert-base-multilingual-uncased.
        let jamo = ["\u{1112}\u{1161}\u{11AB}", "a"]
        expectWell(try tokenizer(jamo, lowerCase: true))
        expectFinding(.problem, 64, "left whole", "--strip-accents", of: try tokenizer(jamo))
        expectFinding(.note, 0, "no Hangul", of: try tokenizer(["A", "b"]))
    }

    @Test func lettersInAnotherCase() throws {
        expectFinding(
            .note, 0, "entries with capital letters",
            of: try tokenizer(["한국", "A"], lowerCase: true, stripAccents: false))
        expectFinding(.note, 0, "no capital letter", "--do-lower-case", of: try tokenizer(["한국", "a"]))
    }

    @Test func tokenTypesAndWhatReadingTold() throws {
        expectFinding(
            .note, 0, "one token type", "type_vocab_size 1", of: try tokenizer(["한국", "A"], types: 1))
        var check = try tokenizer(["한국", "A"])
        check.notices = ["no tokenizer settings say whether to lower-case (m): text keeps its case"]
        expectFinding(.note, 0, "no tokenizer settings", of: check)
    }

    private func windows(_ length: Int, stride: Int = 16) throws -> WindowSettingsCheck {
        WindowSettingsCheck(
            configuration: try ModelConfiguration(json: SampleModel.configuration().utf8),
            tokenizer: LetterTokenizer(),
            settings: FeatureSettings(maxSequenceLength: length, documentStride: stride))
    }

    @Test func windowsThatDoNotFitTheModel() throws {
        expectWell(try windows(128))
        expectFinding(
            .problem, 64, "only 128 positions", "--max-seq-length 384", of: try windows(384))
        expectFinding(.problem, 64, "doc-stride 64", of: try windows(64, stride: 64))
    }

    /// The sample's weights with one element changed.
    private func weights(
        _ element: Float? = nil, at index: Int = 0, of tensor: String = "", spanHead: Bool = true,
        layers: Int = 1
    ) throws -> (WeightsCheck, TemporaryFolder) {
        let temporary = try TemporaryFolder()
        let configuration = SampleModel.configuration(["num_hidden_layers": layers])
        let values = try SampleModel.write(
            to: temporary.path("m"), configuration: configuration, spanHead: spanHead)
        let layout = ParameterLayout(try ModelConfiguration(json: configuration.utf8))
        if let element {
            var changed = values
            let parameter = try #require(layout[tensor])
            changed[parameter.offset + index] = element
            try changed.withUnsafeBufferPointer {
                try SafetensorsWriter.write($0, layout: layout, to: temporary.path("m/model.safetensors"))
            }
        }
        let path = temporary.path("m")
        return (WeightsCheck(layout: layout) { try openWeights(path) }, temporary)
    }

    @Test func aNumberThatIsNotFiniteIsNamed() throws {
        let (well, kept) = try weights()
        expectWell(well)
        let name = "bert.encoder.layer.1.attention.output.dense.weight"
        let (check, folder) = try weights(.nan, at: 16 * 5 + 3, of: name, layers: 2)
        expectFinding(.problem, 65, "\(name)[5, 3] is nan", "model.safetensors", of: check)
        let (infinite, other) = try weights(-.infinity, of: "qa_outputs.bias")
        expectFinding(.problem, 65, "qa_outputs.bias[0] is -inf", of: infinite)
        withExtendedLifetime((kept, folder, other)) {}
    }

    @Test func aSpanHeadThatIsMissing() throws {
        let (check, folder) = try weights(spanHead: false)
        expectFinding(.note, 0, "qa_outputs.weight, qa_outputs.bias", of: check)
        withExtendedLifetime(folder) {}
    }

    @Test func weightsThatAreMissingOrOfAnotherShape() throws {
        let (check, folder) = try weights()
        let larger = ParameterLayout(
            try ModelConfiguration(json: SampleModel.configuration(["num_hidden_layers": 2]).utf8))
        let path = folder.path("m")
        expectFinding(
            .problem, 65, "bert.encoder.layer.1", of: WeightsCheck(layout: larger) { try openWeights(path) })
        try FileManager.default.removeItem(atPath: folder.path("m/model.safetensors"))
        expectFinding(.problem, 66, "no weights", of: check)
    }

    @Test func theFirstOfManyNonFiniteNumbersIsFound() {
        for (count, place) in [(1, 0), (4096, 4095), (10_000, 9_999), (10_000, 4096)] {
            var values = [Float](repeating: 1, count: count)
            #expect(values.withUnsafeBufferPointer(firstNonFinite) == nil)
            values[place] = .infinity
            values[count - 1] = .nan
            #expect(values.withUnsafeBufferPointer(firstNonFinite) == place)
        }
        #expect(WeightsCheck.index(7, in: [2, 5]) == "1, 2" && WeightsCheck.index(3, in: [4]) == "3")
    }
}
