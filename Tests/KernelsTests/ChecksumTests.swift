import Kernels
import Testing

@Suite struct ChecksumTests {
    private func sum(_ values: [Float]) -> UInt64 { checksum(values, values.count) }

    @Test("one flipped bit anywhere changes it", arguments: [1, 2, 3, 4, 5, 7, 8, 33, 130])
    func bitFlips(_ count: Int) {
        var random = TestRandom(UInt64(count))
        for values in [random.normals(count), [Float](repeating: 0, count: count)] {
            var seen: Set = [sum(values)]
            for index in 0..<count {
                for bit in 0..<32 {
                    var flipped = values
                    flipped[index] = Float(bitPattern: values[index].bitPattern ^ (1 << bit))
                    seen.insert(sum(flipped))
                }
            }
            #expect(seen.count == 1 + 32 * count)
        }
    }

    @Test("any two elements swapped change it")
    func swaps() {
        var random = TestRandom(1)
        let values = random.normals(41)
        var seen: Set = [sum(values)]
        for first in 0..<41 {
            for second in 0..<first {
                var swapped = values
                swapped.swapAt(first, second)
                seen.insert(sum(swapped))
            }
        }
        #expect(seen.count == 1 + 41 * 40 / 2)
    }

    @Test("rotated values, sign of zero and payload of NaN change it")
    func subtleChanges() {
        var random = TestRandom(2)
        let values = random.normals(64)
        let rotations = Set((0..<64).map { sum(Array(values[$0...] + values[..<$0])) })
        #expect(rotations.count == 64)
        #expect(sum([0]) != sum([-0.0]))
        #expect(sum([Float(nan: 1, signaling: false)]) != sum([Float(nan: 2, signaling: false)]))
    }

    @Test("zeros appended or left out change it")
    func lengths() {
        var random = TestRandom(3)
        let values = random.normals(32)
        let sums = Set((0...40).map { sum(values + [Float](repeating: 0, count: $0)) })
        #expect(sums.count == 41)
        #expect(Set((0...40).map { sum([Float](repeating: 0, count: $0)) }).count == 41)
    }

    @Test("the same bits give the same sum at any address")
    func addressDoesNotMatter() {
        var random = TestRandom(4)
        let values = random.normals(131)
        let memory = Memory(values)
        #expect(checksum(memory.pointer, 131) == sum(values))
        keep(memory)
    }
}
