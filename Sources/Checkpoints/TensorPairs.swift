/// Which tensors of two files belong together: first by the same name, then by names that mean the same, as
/// `WeightNames` has it.
struct TensorPairs {
    /// Indexes in the first and the second file, in the order of the first.
    private(set) var matches: [(Int, Int)] = []
    private(set) var onlyInFirst: [Int] = []
    private(set) var onlyInSecond: [Int] = []

    init(_ first: [WeightDescription], _ second: [WeightDescription]) {
        var partners: [Int: Int] = [:]
        var isTaken = [Bool](repeating: false, count: second.count)
        for key in [{ $0 }, WeightNames.bareName] as [(String) -> String] {
            var free: [[UInt8]: Int] = [:]
            for (index, tensor) in second.enumerated().reversed() where !isTaken[index] {
                free[Array(key(tensor.name).utf8)] = index
            }
            for (index, tensor) in first.enumerated() where partners[index] == nil {
                guard let other = free.removeValue(forKey: Array(key(tensor.name).utf8)) else { continue }
                partners[index] = other
                isTaken[other] = true
            }
        }
        for index in first.indices {
            if let other = partners[index] {
                matches.append((index, other))
            } else {
                onlyInFirst.append(index)
            }
        }
        onlyInSecond = second.indices.filter { !isTaken[$0] }
    }
}
