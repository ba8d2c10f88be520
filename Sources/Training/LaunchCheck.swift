import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering

/// The doctor's checks that take no time, before the first step of a run: what would spoil it is a warning. What a run
/// finds out by itself, such as crowded cores, is told elsewhere.
struct LaunchCheck {
    let settings: TrainingSettings
    let communicator: any Communicator

    /// Warnings about the machine, before memory is taken. Every rank must call it; the warnings are on rank 0.
    func machine(_ configuration: ModelConfiguration, _ exchange: ExchangeSettings) throws -> [String] {
        let parameters = ParameterLayout(configuration).count
        // That OpenBLAS is slower than the processor is told where threads are planned.
        var checks: [any DoctorCheck] = [
            LimitsCheck(
                ranks: communicator.size,
                largestFile: settings.saving == .never ? parameters : DiskCheck.checkpoint(parameters))
        ]
        if communicator.ranksOnHost > 1, exchange.sharesMemory {
            checks.append(
                SharedMemoryCheck(
                    parameters: parameters, ranksOnHost: communicator.ranksOnHost, isLaunched: true))
        }
        let blas = BLASCheck(rate: nil, clockMegahertz: nil).findings().filter { $0.level == .note }
        let own = checks.flatMap { $0.findings() } + blas
        let findings = try communicator.gather(findings: communicator.rankOnHost == 0 ? own : [])
        return warnings(findings)
    }

    /// Warnings about the run, on rank 0, when all is prepared.
    ///
    /// - hashes: of the files to train and validate on, by path.
    func run(
        _ prepared: PreparedTraining, hashes: [(path: String, hash: String)], resumes: Bool
    ) -> [String] {
        let share = RankShareCheck(
            threads: prepared.compute.pool.threadCount, ranks: communicator.size,
            batchSize: prepared.sampler.batchSize, featureCount: prepared.training.count)
        return warnings(share.findings() + output(prepared, resumes: resumes) + data(prepared, hashes))
    }

    private func output(_ prepared: PreparedTraining, resumes: Bool) -> [Finding] {
        let folder = settings.outputDirectory
        let fileSystem = FileSystemCheck(folder: folder)
        let disk = DiskCheck(
            folder: folder, parameters: prepared.loaded.layout.count, savedLimit: settings.saveTotalLimit,
            extent: RunExtent(settings, prepared, resumes: resumes),
            freeBytes: DiskSpace.freeBytes(of: FileSystemCheck.existing(folder)),
            isInMemory: fileSystem.isInMemory)
        return (fileSystem.isInMemory ? fileSystem.findings() : []) + disk.findings()
    }

    private func data(_ prepared: PreparedTraining, _ hashes: [(path: String, hash: String)]) -> [Finding] {
        // What is to be learnt by heart is validated on as well.
        guard let validation = prepared.validation, settings.overfitBatch == nil else { return [] }
        let same = SameFileCheck(
            training: settings.trainFiles, validation: settings.validationFiles, hashes: hashes
        ).findings()
        guard same.isEmpty else { return same }
        let place = settings.validationFiles.first ?? "--validation-split"
        return OverlapCheck(
            overlap: DatasetOverlap(prepared.training, validation),
            questionCount: validation.questionIDs.count, place: place
        ).findings()
            + LabelCheck(
                validation, settings: settings.features,
                maxAnswerLength: settings.answers.maxAnswerLength, place: place
            ).findings()
    }

    private func warnings(_ findings: [Finding]) -> [String] {
        let hosts = Set((0..<communicator.size).map(communicator.host(of:))).count
        return findings.filter { $0.level > .ok }.map { $0.warning(of: hosts) }
    }
}

extension RunExtent {
    /// Bytes of a candidate in the n-best lists, and of a question besides.
    private static let candidateBytes = 160
    private static let questionBytes = 200

    /// Reckons the files that a run with these settings leaves.
    init(_ settings: TrainingSettings, _ prepared: PreparedTraining, resumes: Bool) {
        let validates = prepared.validation != nil && settings.evaluation != .never
        let saves: Int
        switch settings.saving {
        case .never: saves = 0
        case .steps(let steps): saves = prepared.plan.totalSteps / steps + 1
        case .epoch: saves = prepared.plan.totalSteps / prepared.plan.stepsPerEpoch + 1
        }
        let kept = min(settings.saveTotalLimit + (validates ? 1 : 0), saves)
        self.init(checkpoints: kept + (saves > kept ? 1 : 0), keepsBest: validates)
        if validates, let questions = prepared.validation?.questionIDs.count {
            predictions =
                questions * (Self.questionBytes + settings.answers.bestCount * Self.candidateBytes)
        }
        if resumes { present = Self.bytesThere(settings.outputDirectory) }
    }

    /// Bytes that an earlier part of the run has left, which are kept or make room.
    private static func bytesThere(_ folder: String) -> Int {
        guard let output = try? OutputDirectory(creating: folder) else { return 0 }
        let checkpoints = CheckpointFolder(output: output)
        let paths =
            ((try? checkpoints.steps()) ?? []).map(checkpoints.path)
            + [StateSaver.bestName, TrainingRun.finalName].map(output.path)
        return paths.reduce(0) { sum, path in
            var status = stat()
            return sum + (stat(path, &status) == 0 ? Int(status.st_size) : 0)
        }
    }
}
