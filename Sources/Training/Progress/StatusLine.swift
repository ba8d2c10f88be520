import Core
import Foundation
import Synchronization

/// The one way to stderr: messages, each on lines of its own, and below them, on a terminal, one line that is drawn
/// over itself. Any thread may call it.
package final class StatusLine: Sendable {
    /// What the line is drawn on.
    package enum Surface: Sendable {
        /// A terminal this many columns wide at the moment.
        case terminal(columns: @Sendable () -> Int)
        /// A launcher that has a terminal, and draws what it is sent; see `launch/common`.
        case launcher
        /// Nothing: stderr is a file or a pipe.
        case none
    }

    private struct State {
        var text: StatusText?
        /// Whether there is a line to clear.
        var isDrawn = false
        var drawn = -Double.infinity
        var isClosed = false
    }

    /// Seconds from one drawing to the next, at least.
    private static let pause = 0.1
    /// Clears what is drawn, also where a window that became narrower has broken it into several rows: drawing leaves
    /// the cursor in the first column.
    private static let erase = "\r\u{1B}[J"
    /// What a launcher knows a line to draw by. The line is sent in all its forms, each after its columns.
    private static let launcherMark = "dure-launch: status"
    private static let separator = "\u{1F}"

    private let surface: Surface
    private let write: @Sendable (String) -> Void
    private let now: @Sendable () -> Double
    private let state = Mutex(State())

    /// - write: takes text as it is to appear, whole.
    /// - now: seconds of a clock that only goes forward.
    package init(
        _ surface: Surface, now: @escaping @Sendable () -> Double = StatusLine.uptime,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.surface = surface
        self.now = now
        self.write = write
    }

    /// Whether there is something to draw on.
    package var isShown: Bool {
        if case .none = surface { return false }
        return true
    }

    /// Tells something on a line of its own. `text` may hold what files say: nothing in it ends the line or is obeyed by
    /// a terminal.
    package func message(_ text: String) { message(lines: [text]) }

    /// Tells something on several lines, none of which ends another way.
    package func message(lines: [String]) {
        message(printable: lines.map { PrintableText.escaped($0) }.joined(separator: "\n"))
    }

    /// Tells something as it is.
    ///
    /// - text: fit for a terminal but for what the program itself wants obeyed there.
    package func message(printable text: String) {
        state.withLock { state in
            let cleared = erasing(&state)
            guard let status = state.text, let line = drawing(status, &state) else {
                return write(cleared + text + "\n")
            }
            write(cleared + text + "\n" + line)
        }
    }

    /// Draws `text` in place of what is drawn, unless that was done less than a tenth of a second ago.
    package func show(_ text: @autoclosure () -> StatusText) {
        guard isShown else { return }
        state.withLock { state in
            guard !state.isClosed, !state.isDrawn || now() - state.drawn >= Self.pause else { return }
            let text = text()
            (state.text, state.drawn) = (text, now())
            if let line = drawing(text, &state) { write(line) }
        }
    }

    /// Takes the line away.
    package func clear() {
        state.withLock { state in
            state.text = nil
            let cleared = erasing(&state)
            if !cleared.isEmpty { write(cleared) }
        }
    }

    /// Takes the line away for good: what comes now are last words.
    package func close() {
        clear()
        state.withLock { $0.isClosed = true }
    }

    private func erasing(_ state: inout State) -> String {
        guard state.isDrawn else { return "" }
        state.isDrawn = false
        switch surface {
        case .terminal:
            Self.isTerminalDrawn.store(false, ordering: .relaxed)
            return Self.erase
        case .launcher: return state.text == nil ? Self.launcherMark + "\n" : ""
        case .none: return ""
        }
    }

    private func drawing(_ text: StatusText, _ state: inout State) -> String? {
        state.isDrawn = true
        switch surface {
        case .terminal(let columns):
            Self.isTerminalDrawn.store(true, ordering: .relaxed)
            // A sign in the last column makes some terminals go to the next row.
            return Self.erase + text.fitting(columns() - 1) + "\r"
        case .launcher:
            let forms = text.variants.map { "\(Self.separator)\($0.columns)\(Self.separator)\($0.text)" }
            return Self.launcherMark + forms.joined() + "\n"
        case .none: return nil
        }
    }
}

// MARK: The process's own

extension StatusLine {
    /// Of the process's stderr.
    package static let standardError = StatusLine(surface(of: STDERR_FILENO)) { text in
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if count == 0 || errno != EINTR { return }
        }
    }

    /// Takes the line away where a signal ends the process; only calls that a signal handler may make.
    static func eraseInSignalHandler() {
        guard isTerminalDrawn.load(ordering: .relaxed) else { return }
        let text: StaticString = "\r\u{1B}[J"
        _ = Glibc.write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }

    static let isTerminalDrawn = Atomic<Bool>(false)

    private static func surface(of descriptor: Int32) -> Surface {
        let environment = ProcessInfo.processInfo.environment
        if environment["DURE_STATUS_LINE"] == "launcher" { return .launcher }
        guard isatty(descriptor) == 1, let kind = environment["TERM"], !["", "dumb"].contains(kind) else {
            return .none
        }
        return .terminal {
            var size = winsize()
            let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
            return isKnown ? Int(size.ws_col) : 80
        }
    }

    /// Seconds since the machine started.
    package static let uptime: @Sendable () -> Double = {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
