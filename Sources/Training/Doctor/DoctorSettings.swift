import Model
import QuestionAnswering

/// What `dure doctor` is asked about, by the names of train's flags.
package struct DoctorSettings: Sendable {
    /// Model folder or checkpoint.
    package var model: String?
    /// `--dataset` and `--train-file`.
    package var trainFiles: [String] = []
    package var validationFile: String?
    package var outputDirectory = "."
    package var features = FeatureSettings()
    package var tokenizer = TokenizerOverrides()
    package var compute = ComputeSettings()
    package var batchSize = BatchSize.global(16)
    package var scope = TrainingScope()
    package var saveTotalLimit = 3
    package var maxAnswerLength = 30

    package init() {}

    var files: [String] { trainFiles + [validationFile].compactMap(\.self) }
}
