import Foundation
import Testing

@testable import Model

struct ModelConfigurationDecodingTests {
    private func decode(_ text: String) throws -> ModelConfiguration {
        try ModelConfiguration(json: Array(text.utf8))
    }

    @Test func absentAndNullKeysHaveTheDefaultsOfTransformers() throws {
        let configuration = try decode(#"{"model_type": "bert", "pad_token_id": null}"#)
        #expect(
            configuration
                == ModelConfiguration(
                    modelType: .bert, vocabularySize: 30522, embeddingSize: 768, hiddenSize: 768,
                    layerCount: 12, headCount: 12,
                    intermediateSize: 3072, activation: .gelu, hiddenDropout: 0.1, attentionDropout: 0.1,
                    maxPositions: 512, tokenTypeCount: 2, initializerRange: 0.02, layerNormEpsilon: 1e-12,
                    padTokenID: 0))
    }

    /// Foundation's limit is 512.
    @Test(arguments: 510...516) func listsNestedTooDeeplyAreRefused(_ depth: Int) {
        #expect(throws: ModelError.self) { _ = try decode(String(repeating: "[", count: depth)) }
    }

    @Test func everyKeyIsRead() throws {
        let configuration = try decode(
            """
            {"model_type": "bert", "vocab_size": 100, "hidden_size": 12.0, "num_hidden_layers": 3,
             "num_attention_heads": 4, "intermediate_size": 17, "hidden_act": "gelu_new", "hidden_dropout_prob": 0,
             "attention_probs_dropout_prob": 0.25, "max_position_embeddings": 300, "type_vocab_size": 1,
             "initializer_range": 0.5, "layer_norm_eps": 1e-5, "pad_token_id": 99, "unknown": {"a": [1, null]}}
            """)
        #expect(
            configuration
                == ModelConfiguration(
                    modelType: .bert, vocabularySize: 100, embeddingSize: 12, hiddenSize: 12, layerCount: 3,
                    headCount: 4,
                    intermediateSize: 17, activation: .geluNew, hiddenDropout: 0, attentionDropout: 0.25,
                    maxPositions: 300, tokenTypeCount: 1, initializerRange: 0.5, layerNormEpsilon: 1e-5,
                    padTokenID: 99))
    }

    /// Of transformers' ElectraConfig and RobertaConfig.
    @Test func everyModelHasDefaultsOfItsOwn() throws {
        let bert = try decode(#"{"model_type": "bert"}"#)
        var electra = bert
        electra.modelType = .electra
        (electra.embeddingSize, electra.hiddenSize) = (128, 256)
        (electra.headCount, electra.intermediateSize) = (4, 1024)
        #expect(try decode(#"{"model_type": "electra"}"#) == electra)
        var roberta = bert
        roberta.modelType = .roberta
        (roberta.vocabularySize, roberta.padTokenID) = (50265, 1)
        #expect(try decode(#"{"model_type": "roberta"}"#) == roberta)
    }

    @Test(arguments: [("bert", 768), ("electra", 64), ("roberta", 768)])
    func onlyElectraHasEmbeddingsOfTheirOwnWidth(_ type: String, _ width: Int) throws {
        let configuration = try decode(
            #"{"model_type": "\#(type)", "hidden_size": 768, "embedding_size": 64}"#)
        #expect(configuration.embeddingSize == width)
        #expect(configuration.projectsEmbeddings == (width != 768))
    }

    @Test(arguments: ["\"a\"", "0", "16.5", "2147483648"])
    func aWrongEmbeddingSizeMattersToElectraAlone(_ value: String) throws {
        let error = #expect(throws: ModelError.self) {
            try decode(#"{"model_type": "electra", "embedding_size": \#(value)}"#)
        }
        #expect(error?.key == "embedding_size")
        _ = try decode(#"{"model_type": "bert", "embedding_size": \#(value)}"#)
    }

    @Test(arguments: [
        ("BertForMaskedLM", ModelType.bert), ("ElectraForPreTraining", .electra),
        ("RobertaModel", .roberta),
    ])
    func theArchitectureStandsInForTheModelType(_ name: String, _ type: ModelType) throws {
        #expect(try decode(#"{"architectures": ["\#(name)"]}"#).modelType == type)
        #expect(name.hasPrefix(type.className))
    }

    @Test(arguments: ["XLMRobertaModel", "DistilBertModel", "AlbertModel", "bertModel", ""])
    func otherArchitecturesAreRefused(_ name: String) {
        let error = #expect(throws: ModelError.self) { try decode(#"{"architectures": ["\#(name)"]}"#) }
        #expect(error?.key == "architectures")
        #expect(error?.remedy == "use a BERT, ELECTRA or RoBERTa model")
    }

    @Test func robertaNeedsAPositionBehindThatOfPadding() throws {
        let text = #"{"model_type": "roberta", "pad_token_id": 3, "max_position_embeddings": "#
        #expect(try decode(text + "5}").maxSequenceLength == 1)
        for count in [1, 3, 4] {
            let error = #expect(throws: ModelError.self) { try decode(text + "\(count)}") }
            #expect(error?.key == "max_position_embeddings")
            #expect(error?.what.hasPrefix("\(count) leaves no position") == true)
        }
        #expect(
            try decode(#"{"model_type": "bert", "pad_token_id": 3, "max_position_embeddings": 1}"#)
                .maxSequenceLength == 1)
    }

    @Test(arguments: [
        ("model_type", "\"xlm-roberta\""), ("model_type", "3"), ("vocab_size", "0"),
        ("vocab_size", "\"many\""),
        ("vocab_size", "1.5"), ("vocab_size", "1e300"), ("vocab_size", "2147483648"), ("hidden_size", "-768"),
        ("hidden_size", "true"), ("num_hidden_layers", "0"), ("num_hidden_layers", "1000000"),
        ("num_attention_heads", "0"), ("num_attention_heads", "[12]"), ("intermediate_size", "0"),
        ("hidden_act", "\"swish\""), ("hidden_act", "{}"), ("hidden_dropout_prob", "1"),
        ("hidden_dropout_prob", "-0.1"), ("attention_probs_dropout_prob", "\"0.1\""),
        ("max_position_embeddings", "0"), ("type_vocab_size", "0"), ("initializer_range", "0"),
        ("initializer_range", "1e39"), ("layer_norm_eps", "-1e-12"), ("layer_norm_eps", "1e-60"),
        ("pad_token_id", "-1"), ("pad_token_id", "30522"), ("position_embedding_type", "\"relative_key\""),
        ("is_decoder", "true"), ("add_cross_attention", "true"),
    ])
    func aWrongValueIsNamedByItsKey(_ key: String, _ value: String) {
        let type = key == "model_type" ? "" : "\"model_type\": \"bert\", "
        let error = #expect(throws: ModelError.self) { try decode("{\(type)\"\(key)\": \(value)}") }
        #expect(error?.key == key)
    }

    @Test func theWrongValueIsShown() {
        let error = #expect(throws: ModelError.self) {
            try decode(#"{"model_type": "bert", "hidden_act": "swish"}"#)
        }
        #expect(error?.what == #""swish" is not one of gelu, gelu_new, relu"#)
    }

    @Test func headsMustDivideTheHiddenSize() {
        let error = #expect(throws: ModelError.self) {
            try decode(#"{"model_type": "bert", "hidden_size": 768, "num_attention_heads": 7}"#)
        }
        #expect(error?.key == "hidden_size")
    }

    @Test func sizesThatTogetherOverflowAreRefused() {
        let error = #expect(throws: ModelError.self) {
            try decode(
                #"{"model_type": "bert", "hidden_size": 2147483640, "vocab_size": 2147483647, "intermediate_size": 2147483647}"#
            )
        }
        #expect(error?.what.contains("parameters") == true)
    }

    @Test(arguments: ["", "{", "[]", "null", "3", #"{"model_type": "bert""#, "{}", #"{"architectures": []}"#])
    func whatIsNoConfigurationIsRefused(_ text: String) {
        #expect(throws: ModelError.self) { try decode(text) }
    }
}
