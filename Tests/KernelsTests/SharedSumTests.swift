import Kernels
import TestSupport
import Testing

@Suite struct SharedSumTests {
    private static func sum(_ sources: [[Float]], intoFirst: Bool) -> [Float] {
        let memories = sources.map { Memory($0) }
        let count = sources[0].count
        let target = intoFirst ? memories[0] : Memory([Float](repeating: 9, count: count))
        sumInPairs(memories.map { UnsafePointer($0.pointer) }, into: target.pointer, count: count)
        let result = Array(UnsafeBufferPointer(start: target.pointer, count: count))
        for memory in memories { keep(memory) }
        keep(target)
        return result
    }

    /// As the comment tells it: halves of the list, the first the largest power of two below its length.
    private static func reference(_ values: ArraySlice<Float>) -> Float {
        guard values.count > 1 else { return values.first ?? 0 }
        var half = 1
        while half * 2 < values.count { half *= 2 }
        return reference(values.prefix(half)) + reference(values.dropFirst(half))
    }

    @Test("the sum is that of the pairs, bit for bit, also into one of its sources", arguments: 1...17)
    func sums(sources count: Int) {
        var random = TestRandom(UInt64(count))
        for length in [1, 31, 2048, 5001] {
            let sources = (0..<count).map { _ in random.normals(length) }
            let expected = (0..<length).map { index in Self.reference(sources.map { $0[index] }[...]) }
            #expect(Self.sum(sources, intoFirst: false) == expected)
            #expect(Self.sum(sources, intoFirst: true) == expected)
        }
    }

    @Test("four are added in two pairs")
    func pairs() {
        let tiny = Float.ulpOfOne / 2
        // (1 + tiny) + (tiny + tiny): the first sum rounds to 1, the second does not vanish beside it.
        #expect(Self.sum([[1], [tiny], [tiny], [tiny]], intoFirst: true) == [1 + 2 * tiny])
        #expect(((1 + tiny) + tiny) + tiny == 1)
    }

    @Test("threads make the same bits, and touch nothing but the ranges", arguments: [1, 3])
    func threads(_ count: Int) {
        var random = TestRandom(7)
        let sources = (0..<3).map { _ in Memory(random.normals(50_000)) }
        let pointers = sources.map { UnsafePointer($0.pointer) }
        let target = Memory([Float](repeating: 9, count: 50_000))
        let ranges = [0..<1, 5..<40_000, 49_990..<50_000]
        sumInPairs(WorkerPool(threadCount: count), pointers, into: target.pointer, over: ranges)
        for index in 0..<50_000 {
            let isIn = ranges.contains { $0.contains(index) }
            #expect(target.pointer[index] == (isIn ? Self.reference(pointers.map { $0[index] }[...]) : 9))
        }
        for memory in sources { keep(memory) }
        keep(target)
    }

    @Test("no sources, and no elements, change nothing")
    func nothing() {
        let memory = Memory([Float(3)])
        sumInPairs([], into: memory.pointer, count: 1)
        sumInPairs(
            [UnsafePointer(memory.pointer), UnsafePointer(memory.pointer)], into: memory.pointer, count: 0)
        #expect(memory.pointer[0] == 3)
        keep(memory)
    }
}
