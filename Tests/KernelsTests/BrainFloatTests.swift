import Kernels
import TestSupport
import Testing

@Suite struct BrainFloatTests {
    private static func rounded(_ values: [Float]) -> [Float] {
        var halves = [BrainFloat](repeating: BrainFloat(0), count: values.count)
        var result = [Float](repeating: 9, count: values.count)
        roundToBrainFloat(values, into: &halves, count: values.count)
        expandBrainFloat(halves, into: &result, count: values.count)
        return result
    }

    /// Of the two neighbours with eight significant bits the nearer one, by Double; of two as near, the even one.
    private static func reference(_ value: Float) -> Float {
        let below = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
        let above = Float(bitPattern: (value.bitPattern & 0xFFFF_0000) &+ 0x1_0000)
        let (down, up) = (abs(Double(value) - Double(below)), abs(Double(above) - Double(value)))
        if down == up { return below.bitPattern >> 16 & 1 == 0 ? below : above }
        return down < up ? below : above
    }

    @Test("numbers become the nearest that have eight significant bits, ties even ones")
    func nearest() {
        var generator = SeededGenerator(seed: 11)
        let random = (0..<20_000).map { _ in
            // Any finite number whose upper neighbour is finite too.
            Float(bitPattern: UInt32.random(in: 0..<0x7F00_0000, using: &generator))
                * (Bool.random(using: &generator) ? 1 : -1)
        }
        let ties = (0..<200).map { Float(bitPattern: 0x3F80_8000 + UInt32($0) << 16) }
        let values = random + ties + [0, 1, -1, 0.5]
        #expect(Self.rounded(values) == values.map(Self.reference))
    }

    @Test("infinities stay, the largest floats become infinite, NaN stays NaN")
    func special() {
        let values = [Float.infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
        #expect(Self.rounded(values) == [.infinity, -.infinity, .infinity, -.infinity])
        let nans = [Float.nan, -.nan, Float(bitPattern: 0x7F80_0001), Float(bitPattern: 0xFFFF_FFFF)]
        #expect(Self.rounded(nans).allSatisfy { $0.isNaN })
        #expect(Self.rounded([-0.0])[0].sign == .minus)
    }
}
