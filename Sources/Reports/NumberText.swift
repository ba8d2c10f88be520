import Foundation

/// Numbers as readers want them.
enum NumberText {
    /// The shortest decimal that is the number, without a fraction of 0.
    static func plain(_ value: Double) -> String {
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// With so many decimals; a dash for what is no number.
    static func fixed(_ value: Double?, _ decimals: Int) -> String {
        guard let value, value.isFinite else { return "–" }
        return String(format: "%.\(decimals)f", value)
    }

    /// Digits in groups of three.
    static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        let groups = stride(from: digits.count, to: 0, by: -3).reversed().map { end in
            String(digits[max(0, end - 3)..<end])
        }
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }

    static func share(_ part: Int, of whole: Int) -> String {
        whole > 0 ? fixed(100 * Double(part) / Double(whole), 1) + " %" : "–"
    }

    /// As 3 h 5 min, 12 min, 2 min 30 s or 4.2 s.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "–" }
        if seconds < 60 { return fixed(seconds, 1) + "\u{A0}s" }
        let whole = Int(seconds.rounded())
        // A unit never stands on a line without its number.
        if whole < 600 { return "\(whole / 60)\u{A0}min \(whole % 60)\u{A0}s" }
        if whole < 3600 { return "\(whole / 60)\u{A0}min" }
        return "\(whole / 3600)\u{A0}h \(whole % 3600 / 60)\u{A0}min"
    }
}
