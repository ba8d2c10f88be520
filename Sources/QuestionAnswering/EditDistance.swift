/// Levenshtein distance in code points: the least number of insertions, deletions and replacements that turn
/// one text into the other.
package func editDistance(_ left: String, _ right: String) -> Int {
    var table = SymbolTable()
    let left = table.symbols(of: left)
    let right = table.symbols(of: right)
    var calculator = EditDistanceCalculator(alphabet: table.count)
    return calculator.distance(left, right)
}

/// Numbers the different code points of some texts from 0, so that tables can be indexed by them.
struct SymbolTable {
    private var numbers: [Unicode.Scalar: Int] = [:]

    var count: Int { numbers.count }

    mutating func symbols(of text: String) -> [Int] {
        text.unicodeScalars.map { scalar in
            if let number = numbers[scalar] { return number }
            let number = numbers.count
            numbers[scalar] = number
            return number
        }
    }
}

/// Levenshtein distances between texts of one `SymbolTable`, 64 rows of the table of distances at a time:
/// Myers, "A fast bit-vector algorithm for approximate string matching based on dynamic programming" (1999), in
/// the form of Hyyrö (2003). Time grows with the product of the lengths over 64, memory with their sum.
struct EditDistanceCalculator {
    /// For each symbol the rows of the block at hand that hold it. All zero between calls.
    private var occurrences: [UInt64]
    /// For each column the difference between its entry and the one to its left in the row above the block.
    private var steps: [Int8] = []

    /// - alphabet: every symbol of every text is less.
    init(alphabet: Int) { occurrences = Array(repeating: 0, count: alphabet) }

    mutating func distance(_ left: [Int], _ right: [Int]) -> Int {
        // The shorter one down the rows, so that there are fewer blocks.
        let (rows, columns) = left.count <= right.count ? (left, right) : (right, left)
        // What both begin with costs nothing, nor does what both end with.
        var first = 0
        while first < rows.count, rows[first] == columns[first] { first += 1 }
        var same = 0
        while same < rows.count - first, rows[rows.count - 1 - same] == columns[columns.count - 1 - same] {
            same += 1
        }
        let inner = first..<rows.count - same
        if inner.isEmpty { return columns.count - rows.count }
        return distance(rows: rows[inner], columns: columns[first..<columns.count - same])
    }

    private mutating func distance(rows: ArraySlice<Int>, columns: ArraySlice<Int>) -> Int {
        // The first row counts the columns.
        steps.removeAll(keepingCapacity: true)
        steps.append(contentsOf: repeatElement(1, count: columns.count))
        var start = rows.startIndex
        while start < rows.endIndex {
            let block = rows[start..<min(start + 64, rows.endIndex)]
            for (bit, symbol) in block.enumerated() { occurrences[symbol] |= 1 << UInt64(bit) }
            sweep(columns, lastRow: 1 << UInt64(block.count - 1))
            for symbol in block { occurrences[symbol] = 0 }
            start += 64
        }
        return steps.reduce(rows.count) { $0 + Int($1) }
    }

    /// Takes the steps from the row above a block to its last row.
    private mutating func sweep(_ columns: ArraySlice<Int>, lastRow: UInt64) {
        // Rows whose entry is one more, or one less, than the entry above it.
        var increases = UInt64.max
        var decreases: UInt64 = 0
        for (column, symbol) in columns.enumerated() {
            let above = steps[column]
            var equal = occurrences[symbol]
            let vertical = equal | decreases
            if above < 0 { equal |= 1 }
            let diagonal = (((equal & increases) &+ increases) ^ increases) | equal
            var rises = decreases | ~(diagonal | increases)
            var falls = increases & diagonal
            steps[column] = rises & lastRow != 0 ? 1 : falls & lastRow != 0 ? -1 : 0
            rises <<= 1
            falls <<= 1
            if above > 0 { rises |= 1 } else if above < 0 { falls |= 1 }
            increases = falls | ~(vertical | rises)
            decreases = rises & vertical
        }
    }
}
