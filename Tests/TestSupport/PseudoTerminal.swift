import Foundation
import Synchronization

/// A terminal that a test holds the other end of.
package final class PseudoTerminal: Sendable {
    /// For a program to open.
    package let path: String
    private let own: Int32
    private let programs: Int32
    private let received = Mutex<[UInt8]>([])

    /// - columns: 24 rows of them.
    package init(columns: Int) throws {
        var (own, programs) = (Int32(-1), Int32(-1))
        var name = [CChar](repeating: 0, count: 128)
        guard openpty(&own, &programs, &name, nil, nil) == 0 else {
            throw ProgramError(
                description: "cannot open a pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        (self.own, self.programs) = (own, programs)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        resize(columns: columns)
        Thread.detachNewThread { [self] in receive() }
    }

    package func resize(columns: Int) {
        var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(own, UInt(TIOCSWINSZ), &size)
    }

    /// What programs have written so far; line feeds come as a return and a line feed.
    package var text: String { String(decoding: received.withLock(\.self), as: UTF8.self) }

    /// Ends it, once all that was written has come; no program may have it open any more.
    package func finish() async throws -> String {
        close(programs)
        for _ in 0..<500 where !isAtEnd.withLock(\.self) { try await Task.sleep(for: .milliseconds(10)) }
        return text
    }

    private let isAtEnd = Mutex(false)

    private func receive() {
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = read(own, &chunk, chunk.count)
            if count > 0 {
                received.withLock { $0 += chunk[..<count] }
            } else if count == 0 || errno != EINTR {
                break
            }
        }
        close(own)
        isAtEnd.withLock { $0 = true }
    }
}
