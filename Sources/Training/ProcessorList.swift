/// Numbers as Linux lists them: `0-3,8`.
enum ProcessorList {
    /// The numbers that a list stands for; what is none is left out.
    static func parse(_ list: some StringProtocol) -> Set<Int> {
        var numbers: Set<Int> = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-").compactMap { Int($0.trimmingWhitespace) }
            guard let first = ends.first, let last = ends.last, first <= last else { continue }
            numbers.formUnion(first...last)
        }
        return numbers
    }

    /// The list that stands for `numbers`.
    static func text(_ numbers: some Sequence<Int>) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers.sorted() {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}

extension StringProtocol {
    fileprivate var trimmingWhitespace: SubSequence {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return self[startIndex..<startIndex] }
        return self[first...last]
    }
}
