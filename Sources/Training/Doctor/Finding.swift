import Distributed

/// What a check of the doctor found: one thing about the machine, the model or the data.
package struct Finding: Sendable, Equatable, Codable {
    package enum Level: String, Sendable, Codable, Comparable {
        case ok
        /// Worth knowing; a run works all the same.
        case note
        /// A run would fail, be slow or be wrong.
        case problem

        private var rank: Int { self == .ok ? 0 : self == .note ? 1 : 2 }

        package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }

    /// What it is about.
    package enum Area: String, Sendable, Codable, CaseIterable {
        case processor, blas, kernels, threads, mpi, ranks, output, disk, memory, limits, model, tokenizer,
            windows
        case weights, data
    }

    package let level: Level
    package let area: Area
    package let what: String
    /// The variable, flag, file, tensor or question; nil where `what` says it all.
    package let place: String?
    /// What to do; nil only where all is well.
    package let remedy: String?
    /// Single cases of it, as questions by their ids; the first few of many.
    package let details: [String]
    /// What the process ends with because of it; 0 unless it is a problem.
    package let exitCode: Int32
    /// Where it was found; empty for what has nothing to do with hosts, and in a run of one process.
    package var hosts: [String] = []

    package static func ok(_ area: Area, _ what: String, at place: String? = nil) -> Finding {
        Finding(
            level: .ok, area: area, what: what, place: place, remedy: nil, details: [], exitCode: 0)
    }

    package static func note(
        _ area: Area, _ what: String, at place: String? = nil, remedy: String, details: [String] = []
    ) -> Finding {
        Finding(
            level: .note, area: area, what: what, place: place, remedy: remedy, details: details, exitCode: 0)
    }

    /// - exitCode: 64 for what settings or the environment have to change.
    package static func problem(
        _ area: Area, _ what: String, at place: String? = nil, remedy: String, details: [String] = [],
        exitCode: Int32 = 64
    ) -> Finding {
        Finding(
            level: .problem, area: area, what: what, place: place, remedy: remedy, details: details,
            exitCode: exitCode)
    }
}

extension Finding {
    /// As a warning of a run: `WHAT (WHERE): WHAT TO DO`, with no more than the first few cases.
    ///
    /// - hosts: of the run.
    func warning(of hosts: Int) -> String {
        let cases = details.prefix(3).joined(separator: ", ") + (details.count > 3 ? " …" : "")
        let names = hosts > 1 && !self.hosts.isEmpty ? "host \(self.hosts.joined(separator: ", "))" : ""
        let places = [place ?? "", names, cases].filter { !$0.isEmpty }
        return what + (places.isEmpty ? "" : " (\(places.joined(separator: "; ")))")
            + (remedy.map { ": \($0)" } ?? "")
    }

    /// How many single cases a finding lists.
    static let mostDetails = 10

    /// The first few of `cases`, and how many there are besides.
    static func details(_ cases: some Collection<String>) -> [String] {
        let rest = cases.count - mostDetails
        return Array(cases.prefix(mostDetails)) + (rest > 0 ? ["and \(rest) more"] : [])
    }

    /// A problem that is an error of a run. Errors read `WHAT (WHERE): WHAT TO DO`.
    static func problem(_ area: Area, _ error: any Error) -> Finding {
        let message = Message("\(error)")
        return .problem(
            area, message.what, at: message.place,
            remedy: message.remedy ?? "correct it, then run dure doctor again",
            exitCode: (error as? any ExitCoded)?.exitCode ?? 70)
    }

    /// A problem or note that is a message of a run.
    static func problem(_ area: Area, message text: String) -> Finding {
        let message = Message(text)
        return .problem(area, message.what, at: message.place, remedy: message.remedy ?? "see README.md")
    }

    static func note(_ area: Area, message text: String, remedy: String) -> Finding {
        let message = Message(text)
        return .note(area, message.what, at: message.place, remedy: message.remedy ?? remedy)
    }
}

/// The parts of `WHAT (WHERE): WHAT TO DO`; a text of another form is all `what`.
private struct Message {
    var what: String
    var place: String?
    var remedy: String?

    init(_ text: String) {
        what = text
        let scalars = Array(text.unicodeScalars)
        // Texts of users may stand in any part: the last place before a colon is most likely the message's own.
        guard let end = Self.lastEnd(of: scalars), let start = Self.opening(of: end, in: scalars) else {
            return
        }
        func part(_ range: Range<Int>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[range])
            return String(view)
        }
        what = part(0..<max(start - 1, 0))
        place = part(start + 1..<end)
        remedy = part(end + 3..<scalars.count)
    }

    /// The parenthesis of the last `): `.
    private static func lastEnd(of scalars: [Unicode.Scalar]) -> Int? {
        scalars.indices.last { index in
            index + 2 < scalars.count && scalars[index] == ")" && scalars[index + 1] == ":"
                && scalars[index + 2] == " "
        }
    }

    private static func opening(of end: Int, in scalars: [Unicode.Scalar]) -> Int? {
        var depth = 0
        for index in stride(from: end, through: 0, by: -1) {
            if scalars[index] == ")" { depth += 1 }
            if scalars[index] == "(" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}
