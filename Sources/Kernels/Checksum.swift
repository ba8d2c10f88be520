/// A 64-bit checksum of `count` floats, bit for bit: one changed, swapped or misplaced element changes it.
/// Four interleaved multiply-and-rotate lanes, so that it runs at memory speed. Not cryptographic.
package func checksum(_ x: UnsafePointer<Float>, _ count: Int) -> UInt64 {
    let prime: UInt64 = 0x9E37_79B1_85EB_CA87
    var lanes = SIMD4<UInt64>(1, 2, 3, 4)
    let whole = count / 4 * 4
    for index in stride(from: 0, to: whole, by: 4) {
        for lane in 0..<4 {
            let mixed = (lanes[lane] ^ UInt64(x[index + lane].bitPattern)) &* prime
            lanes[lane] = mixed &<< 31 | mixed &>> 33
        }
    }
    var result = UInt64(count)
    for lane in 0..<4 { result = (result ^ lanes[lane]) &* prime ^ result &>> 29 }
    for index in whole..<count { result = (result ^ UInt64(x[index].bitPattern)) &* prime ^ result &>> 29 }
    return result
}
