import Foundation

/// The kind of file system that the output folder is on.
package struct FileSystemCheck: DoctorCheck {
    let folder: String
    /// Of `/proc/self/mountinfo`.
    var mounts = contentsOfSystemFile("/proc/self/mountinfo")

    package func findings() -> [Finding] {
        guard let type else {
            return [.ok(.output, "the kind of file system is not known", at: folder)]
        }
        let place = "\(folder), \(type)"
        if isInMemory {
            return [
                .note(
                    .output,
                    "the file system is memory: checkpoints take it from the run and go with the machine",
                    at: place, remedy: "name a folder on a disk with --output-dir")
            ]
        }
        switch type {
        case "overlay", "aufs":
            return [
                .note(
                    .output, "the folder is part of a container and goes with it", at: place,
                    remedy: "name a folder that is mounted from outside")
            ]
        case "nfs", "nfs4", "cifs", "smb3", "9p", "afs", "lustre", "gpfs", "beegfs", "ceph", "glusterfs",
            "virtiofs":
            return [
                .ok(.output, "a network file system; rank 0 alone writes to it", at: place)
            ]
        default:
            guard type.hasPrefix("fuse") else { return [.ok(.output, "a local file system", at: place)] }
            return [
                .note(
                    .output,
                    "the file system is a program's (FUSE): writing may be slow, and renaming not atomic",
                    at: place,
                    remedy: "name a folder on a file system of the kernel's if checkpoints take long")
            ]
        }
    }

    /// Whether what is written there takes memory.
    var isInMemory: Bool { ["tmpfs", "ramfs", "devtmpfs"].contains(type) }

    /// As the kernel calls it; nil where no mount matches.
    var type: String? { mount?.type }

    /// The mount that the folder is on: its file system, and the device.
    var mount: (type: String, source: String)? {
        let path = Self.existing(folder)
        var best: (length: Int, type: String, source: String)?
        for line in (mounts ?? "").split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard let dash = parts.firstIndex(of: "-"), dash > 4, parts.count > dash + 1 else { continue }
            let point = Self.unescaped(parts[4])
            let contains = point == "/" || path == point || path.hasPrefix(point + "/")
            // Of mounts at one place the last hides the others.
            if contains, point.utf8.count >= best?.length ?? 0 {
                let source = parts.count > dash + 2 ? Self.unescaped(parts[dash + 2]) : ""
                best = (point.utf8.count, String(parts[dash + 1]), source)
            }
        }
        return best.map { ($0.type, $0.source) }
    }

    /// The absolute path of the folder, or of the nearest around it that is there.
    static func existing(_ folder: String) -> String {
        var path = URL(filePath: folder.isEmpty ? "." : folder).standardizedFileURL
        while true {
            if let resolved = realpath(path.path(percentEncoded: false), nil) {
                defer { free(resolved) }
                return String(cString: resolved)
            }
            let parent = path.deletingLastPathComponent()
            guard parent.path(percentEncoded: false) != path.path(percentEncoded: false) else { return "/" }
            path = parent
        }
    }

    /// Spaces stand as `\040`.
    private static func unescaped(_ text: Substring) -> String {
        String(text).replacing("\\040", with: " ").replacing("\\011", with: "\t")
            .replacing("\\134", with: "\\")
    }
}
