import Model
import Testing

@testable import Checkpoints

struct KerasNamesTests {
    @Test(arguments: [
        (
            "tf_bert_for_question_answering/bert/encoder/layer_._0/attention/self/query/kernel:0",
            "bert.encoder.layer.0.attention.self.query.weight", true
        ),
        ("tf_bert_model/bert/embeddings/LayerNorm/gamma:0", "bert.embeddings.LayerNorm.weight", false),
        ("tf_bert_model/bert/embeddings/LayerNorm/beta:0", "bert.embeddings.LayerNorm.bias", false),
        ("x/bert/embeddings/word_embeddings/weight:0", "bert.embeddings.word_embeddings.weight", false),
        (
            "x_2/roberta/embeddings/position_embeddings/embeddings:0",
            "roberta.embeddings.position_embeddings.weight", false
        ),
        ("x/electra/embeddings_project/kernel:0", "electra.embeddings_project.weight", true),
        ("tf_bert_for_pre_training/mlm___cls/predictions/bias:0", "cls.predictions.bias", false),
        ("x/qa_outputs/bias:0", "qa_outputs.bias", false),
        ("kernel:0", "weight", true), ("x//qa_outputs/bias", "qa_outputs.bias", false),
        ("", "", false), ("/", "/", false), ("x/_._/___/kernel:0", "weight", true),
    ])
    func namesAreThoseThatTransformersMakes(_ keras: String, _ pytorch: String, _ isKernel: Bool) {
        let found = KerasNames.pytorch(keras)
        #expect(found.name == pytorch)
        #expect(found.isKernel == isKernel)
    }

    private static func layout(_ model: ModelType) throws -> ParameterLayout {
        let text = """
            {"model_type": "\(model.rawValue)", "vocab_size": 8, "hidden_size": 4, "num_hidden_layers": 1,
             "num_attention_heads": 2, "intermediate_size": 6, "embedding_size": 2, "type_vocab_size": 1}
            """
        return ParameterLayout(try ModelConfiguration(json: text.utf8))
    }

    @Test(arguments: ModelType.allCases) func everyParameterHasANameThatLeadsBack(_ model: ModelType) throws {
        for parameter in try Self.layout(model).parameters {
            let keras = KerasNames.keras(parameter.name, model: model)
            #expect(KerasNames.pytorch(keras.name).name == parameter.name)
            #expect(KerasNames.pytorch(keras.name).isKernel == keras.isKernel)
            #expect(keras.layer == (parameter.name.hasPrefix("qa_outputs") ? "qa_outputs" : model.rawValue))
            #expect(keras.name.hasPrefix("tf_\(model.rawValue)_for_question_answering/\(keras.layer)/"))
        }
        let project = KerasNames.keras("electra.embeddings_project.weight", model: .electra)
        #expect(project.name == "tf_electra_for_question_answering/electra/embeddings_project/kernel:0")
        #expect(project.isKernel)
    }

    @Test(arguments: ModelType.allCases) func theOrderKeepsAllParameters(_ model: ModelType) throws {
        let parameters = try Self.layout(model).parameters
        let ordered = KerasNames.order(parameters, model: model)
        #expect(ordered.count == parameters.count)
        #expect(Set(ordered.map(\.name)) == Set(parameters.map(\.name)))
    }

    /// As TFElectraForQuestionAnswering and TFRobertaForQuestionAnswering list their weights.
    @Test(arguments: [
        (
            ModelType.electra,
            [
                "electra.embeddings.word_embeddings", "electra.embeddings.token_type_embeddings",
                "electra.embeddings.position_embeddings", "electra.embeddings.LayerNorm",
                "electra.embeddings_project", "electra.encoder.layer.0", "qa_outputs",
            ]
        ),
        (
            .roberta,
            [
                "roberta.encoder.layer.0", "roberta.embeddings.word_embeddings",
                "roberta.embeddings.token_type_embeddings", "roberta.embeddings.position_embeddings",
                "roberta.embeddings.LayerNorm", "qa_outputs",
            ]
        ),
    ])
    func theOrderIsThatOfTransformers(_ model: ModelType, _ modules: [String]) throws {
        let ordered = KerasNames.order(try Self.layout(model).parameters, model: model)
        let found = ordered.map { parameter in
            modules.first { parameter.name.hasPrefix("\($0).") } ?? parameter.name
        }
        let changes = found.indices.filter { $0 == 0 || found[$0] != found[$0 - 1] }
        #expect(changes.map { found[$0] } == modules)
    }
}
