import Testing

@testable import Training

/// Fails unless `check` finds nothing but what is well.
func expectWell(_ check: any DoctorCheck, sourceLocation: SourceLocation = #_sourceLocation) {
    let findings = check.findings()
    #expect(findings.allSatisfy { $0.level == .ok }, "\(findings)", sourceLocation: sourceLocation)
}

/// Fails unless the gravest of what `check` finds is of `level` and ends the process with `exitCode`; holds every word
/// somewhere, and has a remedy.
@discardableResult
func expectFinding(
    _ level: Finding.Level, _ exitCode: Int32 = 0, _ words: String..., of check: any DoctorCheck,
    sourceLocation: SourceLocation = #_sourceLocation
) -> Finding? {
    let findings = check.findings()
    let worst = findings.max { $0.level < $1.level }
    #expect(worst?.level == level, "\(findings)", sourceLocation: sourceLocation)
    #expect(worst?.exitCode == exitCode, "\(findings)", sourceLocation: sourceLocation)
    guard let worst else { return nil }
    #expect(worst.remedy?.isEmpty == false, "\(worst)", sourceLocation: sourceLocation)
    let text = ([worst.what, worst.place ?? "", worst.remedy ?? ""] + worst.details).joined(separator: "\n")
    for word in words {
        #expect(text.contains(word), "\(word) is not in: \(text)", sourceLocation: sourceLocation)
    }
    return worst
}
