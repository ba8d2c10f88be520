import Distributed
import Foundation
import QuestionAnswering

/// All that the doctor found.
package struct DoctorReport: Sendable {
    package let findings: [Finding]
    package let ranks: Int
    /// In order of rank, each once.
    package let hosts: [String]

    package init(findings: [Finding], ranks: Int = 1, hosts: [String] = []) {
        let order = Dictionary(uniqueKeysWithValues: Finding.Area.allCases.enumerated().map { ($1, $0) })
        // Areas in their order, the gravest of each first.
        self.findings = findings.enumerated().sorted { left, right in
            let (first, second) = (left.element, right.element)
            let (area, other) = (order[first.area] ?? 0, order[second.area] ?? 0)
            if area != other { return area < other }
            if first.level != second.level { return first.level > second.level }
            return left.offset < right.offset
        }.map(\.element)
        self.ranks = ranks
        self.hosts = hosts
    }

    package func count(_ level: Finding.Level) -> Int { findings.count { $0.level == level } }

    /// That of the worst problem, 0 without one: what is missing comes before what is wrong, and that before what can be
    /// set right by a flag.
    package var exitCode: Int32 {
        let codes = Set(findings.map(\.exitCode))
        return [70, 69, 66, 65, 73, 74, 64].first(where: codes.contains) ?? 0
    }

    package var json: JSONValue {
        [
            "well": .boolean(exitCode == 0), "exit_code": .integer(Int(exitCode)),
            "problems": .integer(count(.problem)), "notes": .integer(count(.note)),
            "ranks": .integer(ranks), "hosts": .array(hosts.map(JSONValue.string)),
            "findings": .array(findings.map(\.json)),
        ]
    }

    /// One finding of several hosts becomes one that names them.
    ///
    /// - hosts: of the ranks, in order, with what each found.
    package static func merged(_ ranks: [(host: String, findings: [Finding])]) -> [Finding] {
        var order: [Finding] = []
        for (host, findings) in ranks {
            for finding in findings {
                var plain = finding
                plain.hosts = []
                let place = order.firstIndex { other in
                    var other = other
                    other.hosts = []
                    return other == plain
                }
                if let place {
                    if !order[place].hosts.contains(host) { order[place].hosts.append(host) }
                } else {
                    plain.hosts = [host]
                    order.append(plain)
                }
            }
        }
        return order
    }
}

extension Finding {
    var json: JSONValue {
        .object([
            ("level", .string(level.rawValue)), ("check", .string(area.rawValue)), ("what", .string(what)),
            ("where", place.map(JSONValue.string) ?? .null),
            ("remedy", remedy.map(JSONValue.string) ?? .null),
            ("details", .array(details.map(JSONValue.string))),
            ("hosts", .array(hosts.map(JSONValue.string))),
        ])
    }
}

/// The end of a process whose doctor found problems, which it has told already.
package struct DoctorProblems: ExitCoded, CustomStringConvertible {
    package let exitCode: Int32

    package init(exitCode: Int32) { self.exitCode = exitCode }

    package var description: String { "dure doctor found problems" }
}
