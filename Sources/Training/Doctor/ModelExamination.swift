import Checkpoints
import Model
import QuestionAnswering

/// The checks of a model folder or checkpoint.
struct ModelExamination {
    let settings: DoctorSettings

    /// What was found, and what windows can be cut with where it was good enough.
    func findings() -> (findings: [Finding], windows: (preparation: DataPreparation, unknown: Int32)?) {
        guard let path = settings.model else { return ([], nil) }
        let folder: ModelFolder
        do { folder = try ModelFolder(path: path) } catch { return ([.problem(.model, error)], nil) }
        let configuration = folder.configuration
        let layout = ParameterLayout(configuration)
        let weights = WeightsCheck(layout: layout) { try openWeights(path) }.findings()
        let state = Finding.ok(
            .model,
            "\(configuration.modelType.rawValue), \(configuration.layerCount) layers of \(configuration.hiddenSize), "
                + "\(layout.count) parameters", at: path)
        do {
            let (tokenizer, notices) = try folder.makeTokenizer(settings.tokenizer)
            let checks: [any DoctorCheck] = [
                TokenizerCheck(
                    vocabulary: tokenizer.vocabulary, settings: tokenizer.settings,
                    configuration: configuration,
                    notices: notices),
                WindowSettingsCheck(
                    configuration: configuration, tokenizer: tokenizer, settings: settings.features),
            ]
            let preparation = try? DataPreparation(
                configuration: configuration, tokenizer: tokenizer, settings: settings.features)
            return (
                [state] + checks.flatMap { $0.findings() } + weights,
                preparation.map { ($0, tokenizer.unknownTokenID) }
            )
        } catch {
            return ([state, .problem(.tokenizer, error)] + weights, nil)
        }
    }
}
