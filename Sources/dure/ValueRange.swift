import ArgumentParser

/// Values that a flag takes, where those have no names.
struct ValueRange: Sendable {
    /// In help, which may leave out bounds that nobody comes near.
    let help: String
    /// With all its bounds, as "a whole number from 1 to 1024"; nil where values are no numbers.
    let rule: String?
    private let takes: @Sendable (String) -> Bool

    private init(
        _ help: String, _ rule: String? = nil, _ takes: @escaping @Sendable (String) -> Bool = { _ in true }
    ) {
        self.help = help
        self.rule = rule
        self.takes = takes
    }

    /// Whether a flag takes `value`, as it is written on a command line.
    func contains(_ value: String) -> Bool { takes(value) }
}

/// Values that are told in words.
extension ValueRange: ExpressibleByStringLiteral {
    init(stringLiteral help: String) { self.init(help) }
}

// MARK: Numbers

extension ValueRange {
    /// A count: at least 1, and so small that sums and products of a few cannot overflow.
    static let count = count("1 or more")
    static let fromZero = whole(0...Int(Int32.max), "0 or more")
    static let threads = whole(1...1024, "from 1 to 1024")
    static let seed = ValueRange("0 or more", "a whole number from 0 to \(UInt64.max)") { UInt64($0) != nil }
    static let finite = single("any number, also below 0", "a finite number") { $0.isFinite }
    static let positive = real("above 0") { $0 > 0 && $0.isFinite }
    static let notNegative = real("0 or more") { $0 >= 0 && $0.isFinite }
    static let share = real("from 0 to 1") { (0...1).contains($0) }
    static let shareBelowOne = real("from 0 to below 1") { (0..<1).contains($0) }
    /// A probability that is kept in single precision, in which it must not become 1.
    static let probability = single("from 0 to below 1", "a number, from 0 to below 1") {
        (0..<1).contains($0)
    }
    static let part = real("between 0 and 1") { $0 > 0 && $0 < 1 }
    static let decay = real("above 0, and at most 1") { $0 > 0 && $0 <= 1 }
    static let megabytes = real("above 0", "above 0, and below a million") { $0 > 0 && $0 < 1e6 }
    static let epochs = real("above 0, also parts", "above 0, and below a million") { $0 > 0 && $0 < 1e6 }
    static let seconds = real("above 0", "above 0, and at most a million") { $0 > 0 && $0 <= 1e6 }

    static func count(_ help: String) -> ValueRange { whole(1...Int(Int32.max), help) }

    private static func whole(_ range: ClosedRange<Int>, _ help: String) -> ValueRange {
        ValueRange(help, "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).map(range.contains) ?? false
        }
    }

    /// - rule: where help does not say all.
    private static func real(
        _ help: String, _ rule: String? = nil, _ holds: @escaping @Sendable (Double) -> Bool
    ) -> ValueRange {
        ValueRange(help, "a number, \(rule ?? help)") { Double($0).map(holds) ?? false }
    }

    private static func single(
        _ help: String, _ rule: String, _ holds: @escaping @Sendable (Float) -> Bool
    ) -> ValueRange {
        ValueRange(help, rule) { Float($0).map(holds) ?? false }
    }
}

/// Refuses numbers outside the range that the table of flags has for `flag`, which is written with its dashes.
func requireRange(_ flag: String, _ value: (some LosslessStringConvertible)?) throws {
    guard let value, let range = FlagHelp.of(String(flag.dropFirst(2)), [])?.range, let rule = range.rule,
        !range.contains(value.description)
    else { return }
    throw ValidationError("\(flag) \(value) is not possible: it must be \(rule)")
}
