import Kernels
import TestSupport
import Testing

struct Fletcher32Tests {
    /// H5_checksum_fletcher32, word by word.
    private func reference(_ words: [UInt8]) -> UInt32 {
        var first: UInt32 = 0
        var second: UInt32 = 0
        var position = 0
        while position < words.count {
            for _ in 0..<min(360, (words.count - position) / 2) {
                first += UInt32(words[position]) << 8 | UInt32(words[position + 1])
                second += first
                position += 2
            }
            first = (first & 0xFFFF) + (first >> 16)
            second = (second & 0xFFFF) + (second >> 16)
        }
        first = (first & 0xFFFF) + (first >> 16)
        second = (second & 0xFFFF) + (second >> 16)
        return second << 16 | first
    }

    @Test(arguments: [0, 1, 15, 16, 17, 100, 4096, 4097, 50_001])
    func copiesAndSumsAsHDF5(_ count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        for pattern in 0..<5 {
            let values = (0..<count).map { _ -> Float in
                let bits: UInt32 =
                    switch pattern {
                    case 0: 0
                    case 1: .max
                    case 2: 0xFFFF
                    default: UInt32.random(in: 0...UInt32.max, using: &generator)
                    }
                return Float(bitPattern: bits)
            }
            var copy = [Float](repeating: 1, count: count)
            let sum = copyWithFletcher32(values, to: &copy, count: count)
            #expect(copy.map(\.bitPattern) == values.map(\.bitPattern))
            #expect(sum == reference(values.withUnsafeBytes { Array($0) }), "pattern \(pattern)")
        }
    }
}
