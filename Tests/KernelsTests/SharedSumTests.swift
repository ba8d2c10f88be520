import Kernels
import Testing

@Suite struct SharedSumTests {
    @Test(arguments: [1, 2, 3, 5])
    func everyBufferHoldsTheSumInItsRangeAndWhatItHadElsewhere(buffers: Int) {
        let count = 10_000
        var random = TestRandom(UInt64(buffers))
        let memories = (0..<buffers).map { _ in
            Memory<Float>((0..<count).map { _ in Float(random.normal()) })
        }
        let before = memories.map { memory in (0..<count).map { memory.pointer[$0] } }
        let range = 17..<9_973
        sumAcross(memories.map(\.pointer), range)
        for (memory, own) in zip(memories, before) {
            for index in 0..<count {
                let sum = before.dropFirst().reduce(before[0][index]) { $0 + $1[index] }
                #expect(memory.pointer[index] == (range.contains(index) ? sum : own[index]))
            }
        }
        keep(memories)
    }

    @Test func anEmptyRangeIsLeftAlone() {
        let memory = Memory<Float>([1, 2])
        sumAcross([memory.pointer, memory.pointer], 1..<1)
        #expect(memory.values() == [1, 2])
    }
}
