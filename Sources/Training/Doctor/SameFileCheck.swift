import QuestionAnswering

/// Whether a file is trained on and validated on as well, under one name or several.
package struct SameFileCheck: DoctorCheck {
    let training: [String]
    let validation: [String]
    /// Content hash of each file, by path.
    let hashes: [(path: String, hash: String)]

    package func findings() -> [Finding] {
        let hash = Dictionary(hashes.map { ($0.path, $0.hash) }, uniquingKeysWith: { first, _ in first })
        return validation.compactMap { path in
            guard let own = hash[path], let same = training.first(where: { hash[$0] == own }) else {
                return nil
            }
            let place = isSameText(path, same) ? path : "\(path), \(same)"
            return .problem(
                .data,
                "the file to validate on is one to train on: what comes out says nothing about other questions",
                at: place, remedy: "give --validation-file other questions, or use --validation-split",
                exitCode: 65)
        }
    }
}
