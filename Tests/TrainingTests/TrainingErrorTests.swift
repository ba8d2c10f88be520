import Testing
import Training

@Suite struct TrainingErrorTests {
    @Test func messagesSayWhatWhereAndWhatToDo() {
        let setting = TrainingError.setting(flag: "--x 1", problem: "one is too few", remedy: "give two")
        #expect(setting.description == "one is too few (--x 1): give two")
        #expect(setting.exitCode == 64)
        let data = TrainingError.data(location: "a.json", problem: "it is odd", remedy: "mend it")
        #expect(data.description == "it is odd (a.json): mend it")
        #expect(data.exitCode == 65)
    }

    @Test func nonFiniteNumbersAreNamedWithStepTensorAndFeatures() {
        let gradient = TrainingError.notFinite(
            step: 12, loss: 3.5, tensor: NonFiniteTensor(name: "qa_outputs.weight", isGradient: true),
            features: ["q1/0", "q2/3"])
        #expect(
            gradient.description
                == "the loss or a gradient is not finite (step 12, loss 3.5, first tensor gradient of "
                + "qa_outputs.weight, features q1/0 q2/3): lower --learning-rate or lengthen the warm-up, "
                + "and check these features")
        #expect(gradient.exitCode == 65)
    }

    @Test func weightsThatWereNeverUpdatedWereDamagedBefore() {
        let tensor = NonFiniteTensor(name: "qa_outputs.weight", isGradient: false)
        let first = TrainingError.notFinite(step: 1, loss: .nan, tensor: tensor, features: ["q/0"])
        let later = TrainingError.notFinite(step: 2, loss: .nan, tensor: tensor, features: ["q/0"])
        #expect(first.description.contains("first tensor qa_outputs.weight,"))
        #expect(first.description.hasSuffix(": the model's weights are damaged, save or fetch them again"))
        #expect(later.description.contains("lower --learning-rate"))
        // The sign that calculations leave means nothing.
        let negative = TrainingError.notFinite(step: 2, loss: -.nan, tensor: tensor, features: ["q/0"])
        #expect(negative.description.contains("loss nan,"))
        #expect(negative.description == later.description)
    }
}
