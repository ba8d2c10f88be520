import Foundation

/// What the control groups of this process allow it, of either version of Linux's: the limits that a container or
/// a batch system sets.
package struct ControlGroups {
    private let read: (String) -> String?

    /// - read: the content of a file, nil where it cannot be read.
    package init(read: @escaping (String) -> String? = contentsOfSystemFile) { self.read = read }

    /// The cores' worth of time that all processes of the group share, rounded down but at least 1; nil without
    /// a quota.
    package var cores: Int? {
        let quotas = folders(of: "cpu").compactMap { folder -> Double? in
            let numbers =
                read("\(folder)/cpu.max").map(words)
                ?? [read("\(folder)/cpu.cfs_quota_us"), read("\(folder)/cpu.cfs_period_us")]
                .compactMap { $0?.trimmingCharacters(in: .whitespacesAndNewlines) }
            // No quota is `max`, or -1 in version 1.
            guard numbers.count == 2, let quota = Double(numbers[0]), let period = Double(numbers[1]),
                quota > 0, period > 0
            else { return nil }
            return quota / period
        }
        return quotas.min().map { max(1, Int(min($0, 65536))) }
    }

    /// Bytes that all processes of the group together may still take; nil without a limit.
    package var availableMemory: Int? {
        folders(of: "memory").compactMap { folder -> Int? in
            // No limit is `max`, or a number beyond any memory in version 1.
            guard let limit = integer("\(folder)/memory.max") ?? integer("\(folder)/memory.limit_in_bytes"),
                let used = integer("\(folder)/memory.current") ?? integer("\(folder)/memory.usage_in_bytes")
            else { return nil }
            return max(0, limit - usedForGood(used, folder))
        }.min()
    }

    /// Without what the kernel gives back when memory is wanted, as the pages of files that were read. Version 1
    /// tells it under `total_` for the groups within too, which `used` is for.
    private func usedForGood(_ used: Int, _ folder: String) -> Int {
        var values: [String: Int] = [:]
        for line in (read("\(folder)/memory.stat") ?? "").split(separator: "\n") {
            let parts = words(line)
            if parts.count == 2 { values[parts[0]] = Int(parts[1]) }
        }
        return ["active_file", "inactive_file", "slab_reclaimable"].reduce(used) { used, name in
            let bytes = values["total_\(name)"] ?? values[name] ?? 0
            return used - min(used, max(0, bytes))
        }
    }

    /// Nil for what is not a number of bytes.
    private func integer(_ path: String) -> Int? {
        guard let value = read(path).flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }),
            value >= 0
        else { return nil }
        return value
    }

    /// The folders of the process's group and of those around it, in every hierarchy that has `controller`.
    private func folders(of controller: String) -> [String] {
        (read("/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { line -> [String] in
            // Number, controllers and path; version 2 lists no controllers.
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            let controllers = parts[1].split(separator: ",")
            guard controllers.isEmpty || controllers.contains(Substring(controller)) else { return [] }
            return mounts(of: controllers.isEmpty ? nil : controller).flatMap {
                $0.folders(of: String(parts[2]))
            }
        }
    }

    /// - controller: nil for version 2.
    private func mounts(of controller: String?) -> [Mount] {
        (read("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { line in
            let parts = words(line)
            guard let dash = parts.firstIndex(of: "-"), dash > 4, parts.count > dash + 3 else { return nil }
            let type = parts[dash + 1]
            let matches =
                controller.map { type == "cgroup" && parts[dash + 3].split(separator: ",").contains($0[...]) }
                ?? (type == "cgroup2")
            return matches ? Mount(root: parts[3], point: parts[4]) : nil
        }
    }

    private struct Mount {
        /// The group that stands at `point`; another than the first where a container sees only its own.
        let root: String
        let point: String

        /// The folder of a group and those of the groups around it, as far as they can be seen.
        func folders(of group: String) -> [String] {
            var inner = group.split(separator: "/")
            let outer = root.split(separator: "/")
            // A group elsewhere than under `root` cannot be seen, nor can one above the process's namespace.
            let isSeen = inner.starts(with: outer) && !inner.contains("..")
            inner = isSeen ? Array(inner.dropFirst(outer.count)) : []
            var folders = [point]
            while !inner.isEmpty {
                folders.append("\(point)/\(inner.joined(separator: "/"))")
                inner.removeLast()
            }
            return folders
        }
    }
}

private func words(_ text: some StringProtocol) -> [String] {
    Array(text).split { $0.isWhitespace }.map { String($0) }
}

/// The text of a file of the kernel's, nil where it cannot be read.
package func contentsOfSystemFile(_ path: String) -> String? {
    // A mount point need not be UTF-8, and the rest of the file is wanted all the same.
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
}
