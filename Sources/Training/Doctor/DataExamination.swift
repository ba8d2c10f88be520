import Checkpoints
import Distributed
import Foundation
import Kernels
import QuestionAnswering

/// The checks of the files to train and validate on, with the model's tokenizer where there is one.
struct DataExamination {
    let settings: DoctorSettings
    /// Nil without a model whose windows could be cut.
    let model: (preparation: DataPreparation, unknown: Int32)?
    let pool: WorkerPool

    func findings() -> [Finding] {
        let missing = settings.files.compactMap(Self.unreadable)
        guard missing.isEmpty else { return missing }
        let (training, found) = examine(settings.trainFiles, .training(strict: false))
        let (validation, more) = examine(
            [settings.validationFile].compactMap(\.self), .evaluation)
        guard let training, let validation else { return found + more }
        return found + more + OverlapCheck(training: training, validation: validation).findings()
    }

    /// Tells of all files that are not there, where a run would stop at the first.
    private static func unreadable(_ path: String) -> Finding? {
        do {
            _ = try MappedFile(path: path)
            return nil
        } catch {
            return .problem(.data, error)
        }
    }

    private func examine(_ files: [String], _ kind: FeatureKind) -> (Dataset?, [Finding]) {
        let formats = files.map { (path: $0, format: FeatureFileFormat.of($0)) }
        let features = formats.compactMap { path, format in format.map { examine(path, $0) } }
        let datasets = formats.filter { $0.format == nil }.map(\.path)
        guard !datasets.isEmpty else { return (nil, features) }
        do {
            let dataset = try DatasetReader.read(datasets)
            return (dataset, features + examine(dataset, kind))
        } catch {
            return (nil, features + [.problem(.data, error)])
        }
    }

    private func examine(_ dataset: Dataset, _ kind: FeatureKind) -> [Finding] {
        let checks: [any DoctorCheck] = [AnswerCheck(dataset: dataset), DatasetTextCheck(dataset)]
        let findings = checks.flatMap { $0.findings() }
        guard let model else { return findings }
        let kind = dataset.hasKnownAnswers ? kind : .evaluation
        do {
            let work = try model.preparation.work(dataset, kind)
            let survey = WindowSurvey(
                work, preparation: model.preparation, kind: kind, unknown: model.unknown,
                maxAnswerLength: settings.maxAnswerLength, pool: pool)
            return findings
                + WindowCheck(
                    survey: survey, settings: settings.features, maxAnswerLength: settings.maxAnswerLength,
                    place: dataset.paths.joined(separator: ", ")
                ).findings()
        } catch {
            return findings + [.problem(.data, error)]
        }
    }

    /// Features have no texts any more; that they are whole and within the model is all that can be asked.
    private func examine(_ path: String, _ format: FeatureFileFormat) -> Finding {
        guard let model else {
            return .ok(
                .data, "features in \(format.rawValue), which cannot be checked without --model", at: path)
        }
        do {
            var reader = FeatureFileReader(limits: model.preparation.limits, tokenizer: nil)
            try reader.read(path, format)
            return .ok(.data, "\(counted(reader.features.count, "feature")) that fit the model", at: path)
        } catch {
            return .problem(.data, error)
        }
    }
}
