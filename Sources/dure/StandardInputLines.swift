import Foundation

/// Lines of stdin as bytes, split at line feeds alone: other line separators are text.
struct StandardInputLines: Sequence, IteratorProtocol {
    private var buffer: [UInt8] = []
    private var start = 0
    private var atEnd = false

    mutating func next() -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            searched = buffer.count
            if atEnd { return rest() }
            searched -= start
            refill()
        }
    }

    private mutating func rest() -> [UInt8]? {
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        return Array(buffer[start...])
    }

    private mutating func refill() {
        buffer.removeFirst(start)
        start = 0
        let data = FileHandle.standardInput.availableData
        if data.isEmpty { atEnd = true } else { buffer.append(contentsOf: data) }
    }
}
