/// One look of `dure doctor` at one thing. What it looks at are its properties, so that a test can hand it a machine, a
/// model or data of any kind; its initialisers' defaults are those of this process.
package protocol DoctorCheck {
    /// What is to be told; something also where all is well.
    func findings() -> [Finding]
}

/// `1 question`, `2 questions`.
func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

/// `1.5 %` of a whole, with as many digits as tell it from nothing.
func percentage(_ part: Int, of whole: Int) -> String {
    let share = whole > 0 ? 100 * Double(part) / Double(whole) : 0
    return rounded(share, share < 0.1 ? 3 : 1) + " %"
}

/// A number with at most so many digits after the point.
func rounded(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let number = (value * scale).rounded() / scale
    return number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
}
