import Kernels
import Testing

@Suite struct FloatBufferTests {
    @Test("a buffer starts as zeros on a 64-byte boundary", arguments: [0, 1, 3, 16, 17, 100_003])
    func startsAsZeros(_ count: Int) {
        let buffer = FloatBuffer(count: count)
        #expect(Int(bitPattern: buffer.pointer) % 64 == 0)
        #expect(buffer.count == count && buffer.buffer.count == count)
        #expect(buffer.buffer.allSatisfy { $0 == 0 })
    }

    @Test("fill reaches every element")
    func fills() {
        let buffer = FloatBuffer(count: 37)
        buffer.fill(-2.5)
        #expect(Array(buffer.buffer) == [Float](repeating: -2.5, count: 37))
    }

    @Test("an arena hands out aligned pieces that do not overlap, and all of its buffer")
    func arena() {
        let counts = [1, 16, 17, 0, 130, 5, 64]
        let buffer = FloatBuffer(count: counts.reduce(0) { $0 + Arena.padded($1) })
        var arena = Arena(buffer)
        let pieces = counts.map { arena.take($0) }
        for (index, (piece, count)) in zip(pieces, counts).enumerated() {
            #expect(Int(bitPattern: piece) % 64 == 0)
            for element in 0..<count { piece[element] = Float(index + 1) }
        }
        for (index, (piece, count)) in zip(pieces, counts).enumerated() {
            #expect((0..<count).allSatisfy { piece[$0] == Float(index + 1) })
        }
        let written = buffer.buffer.filter { $0 != 0 }
        #expect(written.count == counts.reduce(0, +))
    }

    @Test("padding is to whole vectors")
    func padding() {
        #expect([0, 1, 15, 16, 17, 32, 33].map(Arena.padded) == [0, 16, 16, 16, 32, 32, 48])
    }
}
