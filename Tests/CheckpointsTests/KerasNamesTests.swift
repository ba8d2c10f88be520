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

    @Test func everyParameterHasANameThatLeadsBack() throws {
        let layout = ParameterLayout(try fixtureConfiguration())
        for parameter in layout.parameters {
            let keras = KerasNames.keras(parameter.name, model: .bert)
            #expect(KerasNames.pytorch(keras.name).name == parameter.name)
            #expect(KerasNames.pytorch(keras.name).isKernel == keras.isKernel)
            #expect(keras.layer == (parameter.name.hasPrefix("qa_outputs") ? "qa_outputs" : "bert"))
        }
    }

    @Test func namesOfOtherModelsFollowTheSameRule() {
        let project = KerasNames.keras("electra.embeddings_project.weight", model: .bert)
        #expect(project.layer == "electra")
        #expect(project.name == "tf_bert_for_question_answering/electra/embeddings_project/kernel:0")
        #expect(project.isKernel)
    }

    @Test func theOrderKeepsAllParameters() throws {
        let parameters = ParameterLayout(try fixtureConfiguration()).parameters
        let ordered = KerasNames.order(parameters)
        #expect(ordered.count == parameters.count)
        #expect(Set(ordered.map(\.name)) == Set(parameters.map(\.name)))
    }
}
