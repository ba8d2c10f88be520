import Checkpoints
import Distributed
import Foundation
import Kernels
import Model
import QuestionAnswering

/// Looks at everything that could spoil a long run, before it starts: every host at itself, the ranks at each other, and
/// rank 0 at the output folder, the model and the data.
package struct Doctor {
    private let settings: DoctorSettings
    private let communicator: any Communicator
    /// Whether a launcher started this process.
    private let isLaunched: Bool
    /// What `mpirun --version` says; nil where there is none.
    private let launcherVersion: () -> String?

    package init(
        settings: DoctorSettings, communicator: any Communicator, isLaunched: Bool,
        launcherVersion: @escaping () -> String?
    ) {
        self.settings = settings
        self.communicator = communicator
        self.isLaunched = isLaunched
        self.launcherVersion = launcherVersion
    }

    /// Every rank must call this, and gets the exit code; rank 0 alone the report.
    package func run() throws -> (report: DoctorReport?, exitCode: Int32) {
        communicator.place = "dure doctor"
        let budget = try ThreadBudget(communicator: communicator, requested: settings.compute.threads)
        let configuration =
            speaksForHost ? settings.model.flatMap { try? ModelFolder(path: $0) }?.configuration : nil
        let ofHosts = try communicator.gather(
            findings: speaksForHost ? machineChecks(configuration, budget).flatMap { $0.findings() } : [])
        let ofRanks = try rankFindings()
        var report: DoctorReport?
        try communicator.onRoot {
            let threads = ThreadCheck(
                budget: budget, ranks: communicator.size,
                batchSize: settings.batchSize.resolved(ranks: communicator.size))
            let own = threads.findings() + outputFindings(configuration) + inputFindings(budget)
            report = DoctorReport(
                findings: ofHosts + ofRanks + own, ranks: communicator.size, hosts: hosts)
        }
        let codes = try communicator.allGather([UInt8(truncatingIfNeeded: report?.exitCode ?? 0)])
        return (report, Int32(codes[0].first ?? 0))
    }

    /// One rank of each host looks at the machine.
    private var speaksForHost: Bool { communicator.rankOnHost == 0 }

    private var hosts: [String] {
        var hosts: [String] = []
        for rank in 0..<communicator.size where !hosts.contains(communicator.host(of: rank)) {
            hosts.append(communicator.host(of: rank))
        }
        return hosts
    }
}

// MARK: The checks

extension Doctor {
    /// Of a host. A further check is a type of its own and an element here.
    private func machineChecks(
        _ configuration: ModelConfiguration?, _ budget: ThreadBudget
    ) -> [any DoctorCheck] {
        let parameters = configuration.map { ParameterLayout($0).count }
        let demand = configuration.map { self.demand($0, budget) }
        let blas = BLASCheck()
        return [
            ProcessorFeatureCheck(),
            blas,
            OneDNNCheck(choice: ProductChoice(settings.compute), openBLASRate: blas.rate),
            KernelCheck(),
            MPICheck(
                library: MPICommunicator.libraryVersion, launcher: isLaunched ? nil : launcherVersion(),
                isLaunched: isLaunched),
            TransportCheck(hosts: hosts.count, ranksOnHost: communicator.ranksOnHost),
            SharedMemoryCheck(
                parameters: parameters, ranksOnHost: communicator.ranksOnHost, isLaunched: isLaunched),
            MemoryCheck(
                demand: demand, tokens: demand?.defaultTokens ?? 1, ranksOnHost: communicator.ranksOnHost),
            LimitsCheck(ranks: communicator.size, largestFile: parameters.map(DiskCheck.checkpoint)),
        ]
    }

    /// As `planCompute` reckons for a run with the settings that train has by itself.
    private func demand(_ configuration: ModelConfiguration, _ budget: ThreadBudget) -> MemoryDemand {
        let longest = min(settings.features.maxSequenceLength, configuration.maxSequenceLength)
        var demand = MemoryDemand(
            configuration, for: .training(validates: true), sequenceLength: longest, threads: budget.threads,
            requestedTokens: settings.compute.microBatchTokens)
        demand.scope = settings.scope
        demand.precision = settings.compute.precision
        demand.sharing = communicator.ranksSharing(ParameterLayout(configuration), trains: true)
        demand.optimizerSharing =
            ExchangeSettings().buckets.keepsTotalsWithOwners ? communicator.size : demand.sharing
        if communicator.host(of: 0) == communicator.host(of: communicator.rank) {
            demand.checkpointSharing = communicator.ranksOnHost
        }
        return demand
    }

    /// Of the folder that rank 0 writes to.
    private func outputFindings(_ configuration: ModelConfiguration?) -> [Finding] {
        let folder = settings.outputDirectory
        let fileSystem = FileSystemCheck(folder: folder)
        let checks: [any DoctorCheck] = [
            fileSystem,
            OutputFolderCheck(folder: folder),
            DiskCheck(
                folder: folder, parameters: configuration.map { ParameterLayout($0).count },
                savedLimit: settings.saveTotalLimit,
                freeBytes: DiskSpace.freeBytes(of: FileSystemCheck.existing(folder)),
                isInMemory: fileSystem.isInMemory),
        ]
        return checks.flatMap { $0.findings() }
    }

    private func inputFindings(_ budget: ThreadBudget) -> [Finding] {
        let (findings, windows) = ModelExamination(settings: settings).findings()
        useSingleThreadedBLAS()
        let data = DataExamination(
            settings: settings, model: windows, pool: WorkerPool(threadCount: budget.threads))
        return findings + data.findings()
    }
}

// MARK: Between ranks

extension Doctor {
    private func rankFindings() throws -> [Finding] {
        guard communicator.size > 1 else { return [] }
        let network = try networkCheck()
        let agreement = try agreementCheck()
        return (hosts.count > 1 ? agreement.findings() : []) + network.findings()
    }

    private func networkCheck() throws -> NetworkCheck {
        // All start together, so that clocks are read at one moment.
        var start = [0.0]
        try communicator.sum(&start)
        let times = try communicator.allGather(
            withUnsafeBytes(of: Date().timeIntervalSince1970) { Array($0) }
        ).map { $0.withUnsafeBytes { $0.loadUnaligned(as: Double.self) } }
        var sum = [Double(communicator.rank + 1)]
        let seconds = try ContinuousClock().measure { try communicator.sum(&sum) }
        return NetworkCheck(
            ranks: communicator.size, sum: sum[0], seconds: seconds.seconds,
            clockSpread: (times.max() ?? 0) - (times.min() ?? 0))
    }

    private func agreementCheck() throws -> RankAgreementCheck {
        let (ofProgram, ofFiles) = (StartUpCheck.environment, fileItems)
        let items = ofProgram + ofFiles
        let own = try JSONEncoder().encode(items.map(\.value))
        let ranks = try communicator.allGather(Array(own)).map {
            try JSONDecoder().decode([String].self, from: Data($0))
        }
        return RankAgreementCheck(
            items: items.enumerated().map { index, item in
                RankAgreementCheck.Item(
                    name: item.name,
                    values: ranks.enumerated().map { rank, values in
                        (
                            communicator.host(of: rank),
                            values.indices.contains(index) ? values[index] : "unknown"
                        )
                    }, isRequired: item.isRequired, exitCode: index < ofProgram.count ? 69 : 66)
            })
    }

    /// Files that every host reads for itself: missing, or told apart by size and beginning.
    private var fileItems: [StartUpCheck.Item] {
        let model = settings.model.map { path -> [String] in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
            else {
                return [path]
            }
            return ["config.json", "vocab.txt", "tokenizer_config.json", "tokenizer.json"].map {
                "\(path)/\($0)"
            }
        }
        return ((model ?? []) + settings.files).map { path in
            StartUpCheck.Item("the file \(path)", Self.content(path))
        }
    }

    private static func content(_ path: String) -> String {
        guard let file = try? MappedFile(path: path) else { return "missing" }
        var hash = ContentHash()
        let size = file.withBytes { bytes in
            hash.add(UnsafeRawBufferPointer(rebasing: bytes.prefix(1 << 26)))
            return bytes.count
        }
        return "\(size) bytes, \(hash.text.prefix(12))"
    }
}

extension Communicator {
    /// Findings of all hosts, on rank 0. Every rank must call it.
    func gather(findings: [Finding]) throws -> [Finding] {
        guard size > 1 else { return findings }
        let own = try JSONEncoder().encode(findings)
        guard let all = try gather(Array(own)) else { return [] }
        let ranks = try all.enumerated().map { rank, bytes in
            (host: host(of: rank), findings: try JSONDecoder().decode([Finding].self, from: Data(bytes)))
        }
        return DoctorReport.merged(ranks)
    }
}
