import Foundation

/// What a model, or several together, would answer to one question: ranked candidates, from which
/// `AnswerChooser` takes the answer.
package struct CandidateList: Sendable, Equatable {
    package let questionID: String
    /// Best first. Holds the null answer, an empty text at 0 and 0, when `allowsNoAnswer`. The same span may
    /// stand in it more than once, from overlapping windows.
    package let candidates: [ScoredAnswer]
    /// Null score minus the best other score, when `allowsNoAnswer`; nil also without another.
    package let nullOdds: Float?

    package init(questionID: String, candidates: [ScoredAnswer], nullOdds: Float?) {
        self.questionID = questionID
        self.candidates = candidates
        self.nullOdds = nullOdds
    }
}

extension CandidateList {
    /// One list of several models' lists for the same question, for models whose logits cannot be added.
    ///
    /// A candidate's probability is the mean over the lists of what they give its span, null answer with null
    /// answer; a list without it counts as 0, and one that holds it more than once as the sum. It is ranked by
    /// that, equal ones by lower start, then shorter, the null answer last; its logits are the means over the
    /// lists that hold it, each by its first entry. The null odds are the logarithm of the null answer's
    /// probability over the best other one's, which for a single list is the difference of their scores: so a
    /// threshold keeps its meaning, and at 0 the likelier of the two is the answer. A single list is given
    /// back as it is.
    ///
    /// - Parameters:
    ///   - lists: at least one, all of the same question.
    ///   - bestCount: candidates to keep; the null answer is kept even when it is not among them.
    package static func averaged(_ lists: [CandidateList], bestCount: Int) -> CandidateList {
        precondition(!lists.isEmpty && bestCount > 0)
        precondition(lists.allSatisfy { isSameText($0.questionID, lists[0].questionID) })
        guard lists.count > 1 else { return lists[0] }
        let ranked = meanCandidates(of: lists).sorted(by: MeanCandidate.ranksBefore)
        var kept = Array(ranked.prefix(bestCount))
        if let null = ranked.first(where: \.isNull), !kept.contains(where: \.isNull) { kept.append(null) }
        return CandidateList(
            questionID: lists[0].questionID, candidates: kept.map(\.answer),
            nullOdds: lists.contains { $0.nullOdds != nil } ? odds(of: ranked) : nil)
    }

    private static func meanCandidates(of lists: [CandidateList]) -> [MeanCandidate] {
        // The placeholder says that a model has no candidate: it yields to any that another has.
        let hasCandidate = lists.contains { $0.candidates.contains { !$0.text.isEmpty && !$0.isPlaceholder } }
        var places: [MeanCandidate.Key: Int] = [:]
        var means: [MeanCandidate] = []
        for (index, list) in lists.enumerated() {
            for candidate in list.candidates where !(hasCandidate && candidate.isPlaceholder) {
                let key = MeanCandidate.Key(candidate)
                let place = places[key] ?? means.count
                if place == means.count {
                    places[key] = place
                    means.append(MeanCandidate(candidate))
                }
                means[place].add(candidate, list: index, share: 1 / Double(lists.count))
            }
        }
        return means
    }

    private static func odds(of ranked: [MeanCandidate]) -> Float? {
        guard let best = ranked.first(where: { !$0.isNull }) else { return nil }
        let null = ranked.first(where: \.isNull)?.probability ?? 0
        // A probability may have become 0 by rounding: the odds stay numbers that can be compared and written.
        let least = Double(Float.leastNonzeroMagnitude)
        return Float(log(max(null, least)) - log(max(best.probability, least)))
    }
}

/// A span over several lists.
private struct MeanCandidate {
    struct Key: Hashable {
        let start: Int
        let end: Int
        let isNull: Bool

        init(_ candidate: ScoredAnswer) {
            start = candidate.start
            end = candidate.end
            isNull = candidate.text.isEmpty
        }
    }

    private let first: ScoredAnswer
    private(set) var probability = 0.0
    private var startLogits = 0.0
    private var endLogits = 0.0
    private var holders = 0
    private var lastList: Int?

    init(_ first: ScoredAnswer) { self.first = first }

    mutating func add(_ candidate: ScoredAnswer, list: Int, share: Double) {
        probability += share * Double(candidate.probability)
        guard lastList != list else { return }
        lastList = list
        holders += 1
        startLogits += Double(candidate.startLogit)
        endLogits += Double(candidate.endLogit)
    }

    var isNull: Bool { first.text.isEmpty }

    var answer: ScoredAnswer {
        ScoredAnswer(
            text: first.text, start: first.start, end: first.end,
            startLogit: Float(startLogits / Double(holders)), endLogit: Float(endLogits / Double(holders)),
            probability: Float(probability))
    }

    static func ranksBefore(_ left: MeanCandidate, _ right: MeanCandidate) -> Bool {
        if left.probability != right.probability { return left.probability > right.probability }
        if left.isNull != right.isNull { return right.isNull }
        if left.first.start != right.first.start { return left.first.start < right.first.start }
        return left.first.end < right.first.end
    }
}
