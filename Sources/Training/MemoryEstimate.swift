import Foundation
import Model

/// Bytes that a training rank takes, by what for.
package struct MemoryEstimate: Sendable, Equatable {
    package let parameters: Int
    package let gradients: Int
    package let optimizer: Int
    /// Of forward and backward, bounded by the tokens of a micro-batch.
    package let activations: Int

    package var total: Int { parameters + gradients + optimizer + activations }

    package static func training(
        _ configuration: ModelConfiguration, capacity: BatchCapacity, threads: Int
    ) -> MemoryEstimate {
        let tensors = ParameterLayout(configuration).count * MemoryLayout<Float>.stride
        return MemoryEstimate(
            parameters: tensors, gradients: tensors, optimizer: 2 * tensors,
            activations: SpanModel.activationBytes(configuration, capacity, threads: threads))
    }

    /// Memory that cannot be had ends the process without a word, so this is asked before it is taken.
    ///
    /// - available: bytes that this rank may still take; the parameters are loaded already.
    /// - Throws: `TrainingError.setting`, naming what to change.
    package func require(available: Int, tokens: Int) throws {
        let needed = total - parameters
        guard needed > available else { return }
        throw TrainingError.setting(
            flag: "--micro-batch-tokens \(tokens)",
            problem: "a rank needs \(Self.gigabytes(needed)) more and there are \(Self.gigabytes(available)) "
                + "for it (\(description))",
            remedy: "lower it, run fewer ranks on a host, or lower --max-seq-length")
    }

    static func gigabytes(_ bytes: Int) -> String { String(format: "%.2f GB", Double(bytes) / 1e9) }
}

extension MemoryEstimate: CustomStringConvertible {
    package var description: String {
        "\(Self.gigabytes(total)) a rank: parameters \(Self.gigabytes(parameters)), gradients "
            + "\(Self.gigabytes(gradients)), optimizer \(Self.gigabytes(optimizer)), activations "
            + "\(Self.gigabytes(activations))"
    }
}

/// The memory of this machine, or of the container the process is in.
package enum SystemMemory {
    /// Bytes that can still be taken without swapping, by all processes together.
    package static var available: Int {
        let system = contents("/proc/meminfo").flatMap(availableBytes(meminfo:)) ?? Int.max
        return min(system, containerBytes ?? Int.max)
    }

    /// `MemAvailable` of `/proc/meminfo`.
    static func availableBytes(meminfo: String) -> Int? {
        let line = meminfo.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// What a control group of version 2 leaves, nil without a limit.
    private static var containerBytes: Int? {
        guard let limit = contents("/sys/fs/cgroup/memory.max").flatMap({ Int($0) }),
            let used = contents("/sys/fs/cgroup/memory.current").flatMap({ Int($0) })
        else { return nil }
        return max(limit - used, 0)
    }

    private static func contents(_ path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
