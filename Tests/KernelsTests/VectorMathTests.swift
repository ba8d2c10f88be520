import Glibc
import Kernels
import Testing

@Suite struct VectorMathTests {
    @Test("the exponential is within 1e-7 of itself from −87 to 88")
    func exponentialIsAccurate() {
        var largest = 0.0
        for bits in stride(from: (0 as Float).bitPattern, through: (88 as Float).bitPattern, by: 4093) {
            let magnitude = Float(bitPattern: bits)
            for x in [magnitude, -magnitude] where x >= -87 {
                let expected = exp(Double(x))
                largest = max(largest, abs(Double(exponential(x)) - expected) / expected)
            }
        }
        #expect(largest < 1e-7)
    }

    @Test("the exponential of 0 is 1, far arguments give its ends, and NaN stays")
    func exponentialAtExtremes() {
        #expect(exponential(0) == 1 && exponential(-0.0) == 1)
        for x in [-87, -88, -100, -1e10, -.greatestFiniteMagnitude, -.infinity] as [Float] {
            #expect(exponential(x) == exponential(-87))
            #expect(exponential(x) < 2e-38 && exponential(x) > 0)
        }
        for x in [88, 100, 1e10, .greatestFiniteMagnitude, .infinity] as [Float] {
            #expect(exponential(x) == exponential(88))
            #expect(exponential(x).isFinite)
        }
        #expect(exponential(.nan).isNaN)
    }

    @Test(
        "sums, products and squares agree with Double, and have the same bits at any address",
        arguments: Array(0...70) + [130, 1000, 65_537])
    func reductions(_ count: Int) {
        var random = TestRandom(UInt64(count))
        let x = random.normals(count)
        let y = random.normals(count, around: 1)
        let (xs, ys) = (x.doubles, y.doubles)
        /// Every addition rounds one of 32 partial sums.
        let bound = 6e-8 * Double(count / 32 + 36)
        func check(_ value: Float, _ terms: [Double]) {
            let size = terms.reduce(0) { $0 + abs($1) }
            #expect(abs(Double(value) - terms.reduce(0, +)) <= bound * size)
        }
        check(sum(x, count), xs)
        check(dot(x, y, count), zip(xs, ys).map(*))
        check(sumOfSquares(y, count), ys.map { $0 * $0 })
        check(sumOfSquares(y, count, around: 1.5), ys.map { ($0 - 1.5) * ($0 - 1.5) })
        let (first, second) = (Memory(x), Memory(y))
        #expect(sum(first.pointer, count).bitPattern == sum(x, count).bitPattern)
        #expect(dot(first.pointer, second.pointer, count).bitPattern == dot(x, y, count).bitPattern)
        keep(first, second)
    }

    @Test("the maximum is the largest, wherever it stands", arguments: [1, 2, 15, 16, 17, 31, 33, 130])
    func findsMaximum(_ count: Int) {
        var random = TestRandom(UInt64(count))
        let values = random.normals(count)
        #expect(maximum(values, count) == values.max())
        for index in 0..<count {
            var raised = values
            raised[index] = 100
            #expect(maximum(raised, count) == 100)
        }
        #expect(maximum([Float](repeating: -.infinity, count: count), count) == -.infinity)
        #expect(maximum(values.map { $0 - 1000 }, count) < 0)
    }

    @Test("logarithm and power are those of the system")
    func systemFunctions() {
        #expect(logarithm(2 as Float) == logf(2) && logarithm(2.0) == log(2))
        #expect(power(0.999, 20) == pow(0.999, 20))
    }
}
