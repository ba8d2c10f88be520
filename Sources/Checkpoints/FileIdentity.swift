import Foundation

/// Device and inode of a file or folder: what stays the same when its name changes.
package struct FileIdentity: Equatable, Sendable {
    private let device: UInt
    private let inode: UInt

    private init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }

    /// Nil for what is not open.
    package init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Nil for what is not there.
    package init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// The name that what `descriptor` is of has now, as the system knows it; nil where it has none any more.
    package static func path(of descriptor: Int32) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/fd/\(descriptor)", &bytes, bytes.count)
        guard count > 0, count < bytes.count else { return nil }
        let path = String(decoding: bytes.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard let own = FileIdentity(descriptor), own == FileIdentity(path: path) else { return nil }
        return path
    }
}
