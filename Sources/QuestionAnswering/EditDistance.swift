/// Levenshtein distance in code points: the least number of insertions, deletions and replacements that turn
/// one text into the other.
package func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.unicodeScalars)
    let right = Array(right.unicodeScalars)
    // distances[j] is the distance of the prefix of `left` looked at so far to the first j of `right`.
    var distances = Array(0...right.count)
    for (row, scalar) in left.enumerated() {
        var diagonal = distances[0]
        distances[0] = row + 1
        for (column, other) in right.enumerated() {
            let replaced = diagonal + (scalar == other ? 0 : 1)
            diagonal = distances[column + 1]
            distances[column + 1] = min(replaced, distances[column] + 1, diagonal + 1)
        }
    }
    return distances[right.count]
}
