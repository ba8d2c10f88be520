import Foundation

/// Room that quotas leave to the user, and to the group that new files get: `quotactl(2)`, which the C library's module map
/// leaves out. Quotas of network file systems are their servers'.
enum DiskQuota {
    /// `struct dqblk` of the kernel, as far as it is of use.
    struct Limits {
        /// In KiB; 0 for none.
        var hardLimit: UInt64 = 0
        var softLimit: UInt64 = 0
        /// In bytes.
        var used: UInt64 = 0

        /// Nil where there is no limit. Above the soft limit writing goes on for some days only.
        var freeBytes: Int? {
            let limits = [hardLimit, softLimit].filter { $0 > 0 }
            guard let limit = limits.min() else { return nil }
            let (bytes, isHuge) = limit.multipliedReportingOverflow(by: 1024)
            return isHuge ? nil : Int(clamping: bytes > used ? bytes - used : 0)
        }
    }

    static func freeBytes(of path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0,
            let device = FileSystemCheck(folder: path).mount?.source, device.hasPrefix("/")
        else { return nil }
        let inheritsGroup = status.st_mode & UInt32(S_ISGID) != 0
        let ids: [(type: Int32, id: UInt32)] = [
            (0, geteuid()), (1, inheritsGroup ? status.st_gid : getegid()),
        ]
        return ids.compactMap { limits($0.type, device, $0.id)?.freeBytes }.min()
    }

    private typealias Call =
        @convention(c) (Int32, UnsafePointer<CChar>?, Int32, UnsafeMutableRawPointer?) -> Int32

    /// - type: 0 of a user, 1 of a group.
    private static func limits(_ type: Int32, _ device: String, _ id: UInt32) -> Limits? {
        guard let symbol = dlsym(nil, "quotactl") else { return nil }
        let call = unsafeBitCast(symbol, to: Call.self)
        // Q_GETQUOTA; the block has 8 numbers of 64 bits and a mask.
        let command = Int32(bitPattern: UInt32(0x800007) << 8 | UInt32(type))
        var block = [UInt64](repeating: 0, count: 16)
        guard call(command, device, Int32(bitPattern: id), &block) == 0 else { return nil }
        return Limits(hardLimit: block[0], softLimit: block[1], used: block[2])
    }
}
