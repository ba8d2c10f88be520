import Foundation
import Synchronization

/// Feeds mutated inputs to a reader, which has to return or to throw an error of its own.
///
/// A fixed number of cases is tried, quickly; with `DURE_TEST_FUZZ_SECONDS=N` as many as N seconds allow, then also
/// watched for hanging and for memory. `DURE_TEST_FUZZ_SEED=S` gives other cases. Each case stands in a file before
/// the reader sees it, and stays there when the reader ends the process.
package struct Fuzzing {
    /// What a run showed.
    package struct Report: Sendable {
        package var cases = 0
        /// Cases that the reader refused with an error of its own.
        package var refused = 0
        /// What must not happen, each with the file of its case; at most ten.
        package var findings: [String] = []
        /// Where the cases of findings are; removed when there are none.
        package var folder = ""
    }

    /// Of the target, in messages and paths.
    private let name: String
    /// The file's name, for readers that go by its ending.
    private let fileName: String
    private let inputs: [[UInt8]]
    private let style: Mutator.Style
    private let iterations: Int

    package init(
        _ name: String, fileName: String, inputs: [[UInt8]], style: Mutator.Style, iterations: Int = 300
    ) {
        self.name = name
        self.fileName = fileName
        self.inputs = inputs
        self.style = style
        self.iterations = iterations
    }

    /// Seconds of a long run; `nil` for the usual short one.
    package static var seconds: Double? {
        ProcessInfo.processInfo.environment["DURE_TEST_FUZZ_SECONDS"].flatMap(Double.init)
    }

    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["DURE_TEST_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
    }

    /// Growth of the process's peak memory that a long run may show, bytes: far above what inputs of some hundred
    /// kilobytes need.
    private static let memoryLimit = 512 << 20

    /// Calls `read` with the path of one mutated file after another. Its errors must be such that `isExpected`.
    package func run(
        isExpected: (any Error) -> Bool, _ read: (_ path: String) throws -> Void
    ) throws -> Report {
        let folder = try CaseFolder(name: name, fileName: fileName)
        let watchdog = Self.seconds.map { _ in Watchdog(casePath: folder.casePath) }
        defer { watchdog?.stop() }
        if Self.seconds != nil {
            Self.tell("fuzzing \(name): seed \(Self.seed), cases in \(folder.casePath)")
        }
        let memory = ResourceUse.now.peakBytes
        let start = ContinuousClock.now
        var report = Report(folder: folder.path)
        while isToContinue(after: report.cases, since: start), report.findings.count < 10 {
            var mutator = Mutator(
                inputs, style: style, seed: Self.seed &* 0x1_0000_0001 &+ UInt64(report.cases))
            try folder.write(mutator.next())
            watchdog?.startCase()
            report.cases += 1
            do {
                try read(folder.casePath)
            } catch  where isExpected(error) {
                report.refused += 1
            } catch {
                let copy = try folder.keep(number: report.cases)
                report.findings.append("\(type(of: error)): \(error) (\(copy))")
            }
        }
        if Self.seconds != nil {
            let growth = ResourceUse.now.peakBytes - memory
            Self.tell(
                "fuzzing \(name): \(report.cases) cases, \(report.refused) refused, "
                    + "\(report.findings.count) findings, peak memory grew by \(growth >> 20) MB")
            if growth > Self.memoryLimit { report.findings.append("memory grew by \(growth) bytes") }
        }
        if report.findings.isEmpty { folder.remove() }
        return report
    }

    private func isToContinue(after cases: Int, since start: ContinuousClock.Instant) -> Bool {
        guard let seconds = Self.seconds else { return cases < iterations }
        return ContinuousClock.now - start < .seconds(seconds)
    }

    fileprivate static func tell(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
}

/// The folder of a run's current case, named so that it is found after a crash.
private struct CaseFolder {
    let path: String
    let casePath: String

    init(name: String, fileName: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dure-fuzz-\(name)-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path()
        casePath = folder.appending(path: fileName).path()
    }

    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: casePath)) }

    func keep(number: Int) throws -> String {
        let copy = "\(path)/finding-\(number)"
        try FileManager.default.copyItem(atPath: casePath, toPath: copy)
        return copy
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// What the process has used so far.
private struct ResourceUse {
    var peakBytes: Int
    /// Processor time, seconds: a slow case on a busy machine is no hanging one.
    var processorSeconds: Int

    static var now: ResourceUse {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ResourceUse(
            peakBytes: usage.ru_maxrss << 10, processorSeconds: usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    }
}

/// Ends the process when one case takes more than 20 seconds of processor time.
private final class Watchdog: Sendable {
    private let caseStart = Mutex<Int?>(nil)
    private let casePath: String

    init(casePath: String) {
        self.casePath = casePath
        startCase()
        let thread = Thread { [self] in watch() }
        thread.start()
    }

    func startCase() {
        let now = ResourceUse.now.processorSeconds
        caseStart.withLock { $0 = now }
    }

    func stop() { caseStart.withLock { $0 = nil } }

    private func watch() {
        while let start = caseStart.withLock({ $0 }) {
            if ResourceUse.now.processorSeconds - start > 20 {
                Fuzzing.tell("fuzzing: the reader hangs on \(casePath)")
                abort()
            }
            Thread.sleep(forTimeInterval: 1)
        }
    }
}
