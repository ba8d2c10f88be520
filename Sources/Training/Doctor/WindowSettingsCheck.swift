import Model
import QuestionAnswering

/// Whether windows of these settings fit the model.
package struct WindowSettingsCheck: DoctorCheck {
    let configuration: ModelConfiguration
    let tokenizer: any Tokenizer
    let settings: FeatureSettings

    package func findings() -> [Finding] {
        do {
            _ = try DataPreparation(
                configuration: configuration, tokenizer: tokenizer, settings: settings)
            return [
                .ok(
                    .windows,
                    "windows of \(settings.maxSequenceLength) tokens, the model has positions for "
                        + "\(configuration.maxSequenceLength)")
            ]
        } catch {
            return [.problem(.windows, error)]
        }
    }
}
