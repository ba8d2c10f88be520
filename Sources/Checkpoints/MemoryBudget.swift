/// What reading a file may take in memory beside the mapped file itself: as much as the file again, so that a small
/// file cannot make a reader fill the machine.
struct MemoryBudget {
    /// Bytes.
    let limit: Int
    private(set) var used = 0
    private let path: String

    /// What a file of any size may take: the structure of a small one is bigger than its few numbers.
    static let smallest = 1 << 22

    init(fileSize: Int, path: String) {
        limit = max(fileSize, Self.smallest)
        self.path = path
    }

    /// Accounts for `bytes` more before they are allocated; throws `.badData` beyond the limit.
    mutating func charge(_ bytes: Int) throws {
        let (sum, overflow) = used.addingReportingOverflow(bytes)
        guard !overflow, sum <= limit else {
            throw CheckpointError.badData(
                "asks for more than \(limit) bytes of memory for its structure alone", path: path)
        }
        used = sum
    }
}
