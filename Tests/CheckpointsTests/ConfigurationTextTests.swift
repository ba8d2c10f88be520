import Testing

@testable import Checkpoints

struct ConfigurationTextTests {
    private func changed(_ text: String) -> String {
        ConfigurationText.forQuestionAnswering(text, model: .bert)
    }

    @Test(arguments: [
        #"{"architectures": ["BertForQuestionAnswering"], "model_type": "bert", "x": 1e-12}"#,
        #"{ "model_type" : "bert" , "a": {"model_type": "gpt2"}, "architectures" :["BertForQuestionAnswering"] }"#,
    ])
    func whatIsRightStaysAsItStands(text: String) { #expect(changed(text) == text) }

    @Test func whatIsOtherwiseIsReplacedInPlace() {
        #expect(
            changed(
                #"{"x": "a,\"}", "architectures": ["BertModel", "B"], "y": [1, {"z": 2}], "model_type": "bert"}"#
            )
                == #"{"x": "a,\"}", "architectures": ["BertForQuestionAnswering"], "y": [1, {"z": 2}], "model_type": "bert"}"#
        )
        #expect(
            changed(#"{"architectures": null, "model_type": "bert"}"#)
                == #"{"architectures": ["BertForQuestionAnswering"], "model_type": "bert"}"#)
    }

    @Test func whatLacksIsAdded() {
        #expect(
            changed(#"{"architectures": ["BertModel"]}"#)
                == "{\n  \"model_type\": \"bert\",\"architectures\": [\"BertForQuestionAnswering\"]}")
        #expect(
            changed("{\n  \"model_type\": \"bert\"\n}")
                == "{\n  \"architectures\": [\"BertForQuestionAnswering\"],\n  \"model_type\": \"bert\"\n}")
    }

    @Test(arguments: ["", "{", "{}", "[]", "{\"", "{\"a\\", "{\"a\":", "}{", "]]]]", "{:,}"])
    func whatIsNoConfigurationDoesNotCrash(text: String) { _ = changed(text) }
}
