import Kernels
import TestSupport
import Testing

/// Values at an address that no kernel may rely on being aligned, between guards that show a kernel writing
/// outside of them. Its last use must follow that of its pointer: read `values` or call `keep`.
final class Memory<Element: Numeric & BitwiseCopyable> {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int
    private let whole: UnsafeMutableBufferPointer<Element>

    private static var guardSize: Int { 37 }
    private static var guardValue: Element { 123_457 }

    init(_ values: [Element]) {
        count = values.count
        whole = .allocate(capacity: count + 2 * Self.guardSize)
        whole.initialize(repeating: Self.guardValue)
        pointer = whole.baseAddress.unsafelyUnwrapped + Self.guardSize
        for (index, value) in values.enumerated() { pointer[index] = value }
    }

    deinit { whole.deallocate() }

    /// What stands there now; notes an issue when a guard was written over.
    func values(sourceLocation: SourceLocation = #_sourceLocation) -> [Element] {
        let intact = whole.prefix(Self.guardSize) + whole.suffix(Self.guardSize)
        #expect(intact.allSatisfy { $0 == Self.guardValue }, "guard written", sourceLocation: sourceLocation)
        return Array(UnsafeBufferPointer(start: pointer, count: count))
    }
}

extension Memory where Element == Float {
    /// NaN everywhere: for what a kernel says it overwrites.
    static func unset(_ count: Int) -> Memory { Memory([Float](repeating: .nan, count: count)) }

    /// What stands before a kernel accumulates, exact in Float.
    static var start: Float { 0.5 }

    /// For what a kernel says it accumulates into.
    static func started(_ count: Int) -> Memory { Memory([Float](repeating: start, count: count)) }

    /// What a kernel added to `started`.
    func added(sourceLocation: SourceLocation = #_sourceLocation) -> [Double] {
        values(sourceLocation: sourceLocation).map { Double($0) - Double(Self.start) }
    }
}

/// Keeps the owners of memory alive until here.
func keep(_ owners: Any...) { withExtendedLifetime(owners) {} }

/// Random inputs, which must not come from what is tested.
struct TestRandom: RandomNumberGenerator {
    private var generator: SeededGenerator

    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func next() -> UInt64 { generator.next() }

    /// About normal (the sum of twelve uniform draws), within ±6.
    mutating func normal() -> Double {
        (0..<12).reduce(-6.0) { total, _ in total + Double(next() >> 11) * 0x1p-53 }
    }

    mutating func normals(_ count: Int, scale: Float = 1, around centre: Float = 0) -> [Float] {
        (0..<count).map { _ in centre + scale * Float(normal()) }
    }
}

/// A pool for tests of kernels; OpenBLAS is kept to the calling thread, as in the program.
func makePool(_ threads: Int = 1) -> WorkerPool {
    _ = singleThreadedBLAS
    return WorkerPool(threadCount: threads)
}

private let singleThreadedBLAS: Void = useSingleThreadedBLAS()

/// |actual − expected| / |expected|, Euclidean.
func relativeDifference(_ actual: [Double], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var difference = 0.0
    var norm = 0.0
    for (a, e) in zip(actual, expected) {
        difference += (a - e) * (a - e)
        norm += e * e
    }
    return difference == 0 ? 0 : (difference / norm).squareRoot()
}

func largestDifference(_ actual: [Double], _ expected: [Double]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    return zip(actual, expected).reduce(0) { max($0, $1.0 == $1.1 ? 0 : abs($1.0 - $1.1)) }
}

extension [Float] {
    var doubles: [Double] { map(Double.init) }
    var bits: [UInt32] { map(\.bitPattern) }
}

extension [Double] {
    var bits: [UInt64] { map(\.bitPattern) }
}
