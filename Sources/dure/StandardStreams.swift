import Core
import Distributed
import Foundation
import Training

/// Reading stdin or writing stdout failed; the number is `errno`.
enum StandardStreamError: ExitCoded, CustomStringConvertible {
    case cannotRead(Int32)
    case cannotWrite(Int32)

    var exitCode: Int32 { 74 }

    var description: String {
        switch self {
        case .cannotRead(let code):
            "cannot be read, \(String(cString: strerror(code))) (stdin): give text from a file or a pipe"
        case .cannotWrite(let code):
            "cannot be written, \(String(cString: strerror(code))) (stdout): make room, or send it elsewhere"
        }
    }
}

/// Opens those of stdin, stdout and stderr that the process was started without: the next file to be opened
/// would take the number, and what is meant for the stream would go into it. Using stdin or stdout still fails.
func reserveStandardStreams() {
    for (descriptor, mode) in [
        (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY),
    ]
    where fcntl(descriptor, F_GETFD) < 0 {
        // The lowest free number, which is this one.
        _ = open("/dev/null", mode)
    }
}

/// Writes lines to stdout, none of which ends another way or holds what a terminal would obey.
func printResult(lines: [String]) throws {
    try printResult(verbatim: lines.map { PrintableText.escaped($0) }.joined(separator: "\n"))
}

/// Writes a JSON text to stdout, spelled so that a terminal obeys nothing in it.
func printResult(json: String) throws { try printResult(verbatim: PrintableText.json(json)) }

/// Writes text of the program's own to stdout as it is, at once: piped output is buffered otherwise.
func printResult(verbatim text: String) throws {
    if let code = write("\(text)\n", to: STDOUT_FILENO) { throw StandardStreamError.cannotWrite(code) }
}

func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

/// Asks the user on stderr, without ending the line.
func showPrompt(_ text: String) { _ = write(text, to: STDERR_FILENO) }

/// Tells the user something on a line of stderr, as far as that can be written.
func printMessage(_ text: String) { StatusLine.standardError.message(text) }

/// Writes all of `text`; returns `errno` where that fails.
private func write(_ text: String, to descriptor: Int32) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            bytes = bytes.dropFirst(count)
        } else if errno != EINTR {
            return errno
        }
    }
    return nil
}

/// Lines of stdin as bytes, split at line feeds alone: other line separators are text.
struct StandardInputLines {
    private var buffer: [UInt8] = []
    private var start = 0
    private var atEnd = false

    /// The next line without its line feed, nil after the last.
    mutating func next() throws -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            searched = buffer.count
            if atEnd { return rest() }
            searched -= start
            try refill()
        }
    }

    /// The next line, and as many of those that have already arrived as `limit` allows; none after the last.
    mutating func nextAvailable(limit: Int) throws -> [[UInt8]] {
        guard let first = try next() else { return [] }
        var lines = [first]
        while lines.count < limit {
            if buffer[start...].contains(UInt8(ascii: "\n")) || (atEnd && start < buffer.count) {
                if let line = try next() { lines.append(line) }
            } else if canReadMore() {
                try refill()
            } else {
                break
            }
        }
        return lines
    }

    /// Whether reading would not wait.
    private func canReadMore() -> Bool {
        var poll = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        return !atEnd && Foundation.poll(&poll, 1, 0) > 0
    }

    private mutating func rest() -> [UInt8]? {
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        return Array(buffer[start...])
    }

    /// Waits for no more than what there is, so that a program at the other end may converse.
    private mutating func refill() throws {
        buffer.removeFirst(start)
        start = 0
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var count = -1
        while count < 0 {
            count = chunk.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { throw StandardStreamError.cannotRead(errno) }
        }
        if count == 0 { atEnd = true } else { buffer += chunk[..<count] }
    }
}
