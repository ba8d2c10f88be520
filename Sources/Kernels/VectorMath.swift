import Glibc

/// a · b + c, rounded once: one instruction, where a product and a sum would be two.
@inline(__always)
package func multiplyAdd(_ a: Float, _ b: Float, _ c: Float) -> Float { c.addingProduct(a, b) }

/// e^x with a relative error under 1e-7 for x in -87…88; smaller x give e^-87, about 1.6e-38, larger ones
/// the value at 88. Cody-Waite reduction to |r| ≤ ln 2 / 2, a degree-6 minimax polynomial, and 2ⁿ by bit
/// pattern. Written so that a loop over it vectorises.
@inline(__always)
package func exponential(_ x: Float) -> Float {
    let clamped = x < -87 ? -87 : (x > 88 ? 88 : x)
    // Adding 1.5 · 2²³ rounds to the nearest integer and leaves it in the low bits.
    let shifted = multiplyAdd(clamped, 1.442_695_04, 12_582_912)
    let n = shifted - 12_582_912
    let r = multiplyAdd(n, 2.121_944_4e-4, multiplyAdd(n, -0.693_359_375, clamped))
    var p: Float = 0.001_381_459_4
    p = multiplyAdd(p, r, 0.008_368_717)
    p = multiplyAdd(p, r, 0.041_668_388)
    p = multiplyAdd(p, r, 0.166_665_2)
    p = multiplyAdd(p, r, 0.499_999_93)
    let mantissa = multiplyAdd(p * r, r, r) + 1
    return mantissa * Float(bitPattern: (shifted.bitPattern &+ 127) &<< 23)
}

/// Sum over `count` floats, in an order that depends on `count` alone.
@inline(__always)
package func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    reduce(count) {
        load(x, $0)
    } tail: {
        x[$0]
    }
}

/// Σ x·y.
@inline(__always)
package func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int) -> Float {
    reduce(count) {
        load(x, $0) * load(y, $0)
    } tail: {
        x[$0] * y[$0]
    }
}

/// Σ x·y.
@inline(__always)
func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<BrainFloat>, _ count: Int) -> Float {
    reduce(count) {
        load(x, $0) * load(y, $0)
    } tail: {
        x[$0] * Float(y[$0])
    }
}

/// Σ (x − centre)².
@inline(__always)
package func sumOfSquares(_ x: UnsafePointer<Float>, _ count: Int, around centre: Float = 0) -> Float {
    reduce(count) {
        let difference = load(x, $0) - centre
        return difference * difference
    } tail: {
        let difference = x[$0] - centre
        return difference * difference
    }
}

/// The largest of `count` ≥ 1 floats.
@inline(__always)
package func maximum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var index = 0
    var result = x[0]
    if count >= 16 {
        var lanes = load(x, 0)
        index = 16
        while index + 16 <= count {
            let next = load(x, index)
            lanes.replace(with: next, where: next .> lanes)
            index += 16
        }
        result = largest(lanes)
    }
    while index < count {
        if x[index] > result { result = x[index] }
        index += 1
    }
    return result
}

/// The standard library's `max()` and `sum()` go lane by lane; halving takes four steps.
@inline(__always)
private func largest(_ lanes: Lanes) -> Float {
    let eight = lanes.lowHalf.replacing(with: lanes.highHalf, where: lanes.highHalf .> lanes.lowHalf)
    let four = eight.lowHalf.replacing(with: eight.highHalf, where: eight.highHalf .> eight.lowHalf)
    let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
    return two[1] > two[0] ? two[1] : two[0]
}

@inline(__always)
private func total(_ lanes: Lanes) -> Float {
    let eight = lanes.lowHalf + lanes.highHalf
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two[0] + two[1]
}

@inline(__always)
func load(_ x: UnsafePointer<Float>, _ index: Int) -> Lanes {
    UnsafeRawPointer(x + index).loadUnaligned(as: Lanes.self)
}

@inline(__always)
func load(_ x: UnsafePointer<BrainFloat>, _ index: Int) -> Lanes {
    let halves = UnsafeRawPointer(x + index).loadUnaligned(as: SIMD16<UInt16>.self)
    return unsafeBitCast(SIMD16<UInt32>(truncatingIfNeeded: halves) &<< 16, to: Lanes.self)
}

/// A strict scalar sum does not vectorise; two vector accumulators run at memory speed.
@inline(__always)
private func reduce(
    _ count: Int, _ vector: (Int) -> Lanes, tail: (Int) -> Float
) -> Float {
    var first = Lanes(repeating: 0)
    var second = Lanes(repeating: 0)
    var index = 0
    while index + 32 <= count {
        first += vector(index)
        second += vector(index + 16)
        index += 32
    }
    if index + 16 <= count {
        first += vector(index)
        index += 16
    }
    var total = total(first + second)
    while index < count {
        total += tail(index)
        index += 1
    }
    return total
}

/// Σ x·(y − centre).
@inline(__always)
func centredDot(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int, _ centre: Float
) -> Float {
    reduce(count) {
        load(x, $0) * (load(y, $0) - centre)
    } tail: {
        x[$0] * (y[$0] - centre)
    }
}

/// Natural logarithm.
@inline(__always)
package func logarithm(_ x: Float) -> Float { Glibc.logf(x) }

@inline(__always)
package func logarithm(_ x: Double) -> Double { Glibc.log(x) }

@inline(__always)
package func power(_ base: Double, _ exponent: Double) -> Double { Glibc.pow(base, exponent) }
