/// Tokens cut into blocks by their number alone: the unit of work of kernels that go token by token, and of
/// sums over tokens, which add block by block in order whatever the number of threads.
package enum TokenBlocks {
    package static let size = 64

    package static func count(_ tokens: Int) -> Int { (tokens + size - 1) / size }

    static func range(_ block: Int, _ tokens: Int) -> Range<Int> {
        block * size..<min((block + 1) * size, tokens)
    }

    /// Floats of scratch memory that a sum of `width` columns over `tokens` needs.
    package static func scratch(tokens: Int, width: Int) -> Int { count(tokens) * width }
}

/// target[j] += Σ over blocks of partial[block][j].
func addPartialSums(
    _ pool: WorkerPool, _ partial: UnsafePointer<Float>, blocks: Int, width: Int, stride: Int,
    into target: UnsafeMutablePointer<Float>
) {
    let slice = 256
    pool.run((width + slice - 1) / slice) { task, _ in
        let columns = task * slice..<min((task + 1) * slice, width)
        for block in 0..<blocks {
            let row = partial + block * stride
            for column in columns { target[column] += row[column] }
        }
    }
}

/// target[t][j] = source[t][j] + bias[j].
///
/// - bias: `[width]`; source, target: `[tokens, width]`; singles are added to in place, so that target is the source.
package func biasForward(
    _ pool: WorkerPool, tokens: Int, width: Int, bias: UnsafePointer<Float>, source: UnsafePointer<Float>,
    target: NumberPointer
) {
    func forEachRow(_ body: (_ start: Int) -> Void) {
        pool.run(TokenBlocks.count(tokens)) { block, _ in
            for token in TokenBlocks.range(block, tokens) { body(token * width) }
        }
    }
    switch target.precision {
    case .single:
        let target = target.numbers(Float.self)
        precondition(source == UnsafePointer(target))
        forEachRow { start in
            for index in 0..<width { target[start + index] += bias[index] }
        }
    case .brain:
        let target = target.numbers(BrainFloat.self)
        forEachRow { start in
            for index in 0..<width { target[start + index] = BrainFloat(source[start + index] + bias[index]) }
        }
    }
}

/// bias[j] += Σ over tokens of gradient[t][j]: the backward of adding a bias to every token.
///
/// - gradient: `[tokens, width]`; bias: `[width]`, accumulated into; scratch: `TokenBlocks.scratch`.
package func biasBackward(
    _ pool: WorkerPool, gradient: NumberPointer, tokens: Int, width: Int, bias: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
) {
    let blocks = TokenBlocks.count(tokens)
    func sum<Number: StoredNumber>(_ gradient: UnsafeMutablePointer<Number>) {
        pool.run(blocks) { block, _ in
            let partial = scratch + block * width
            partial.update(repeating: 0, count: width)
            for token in TokenBlocks.range(block, tokens) {
                let row = gradient + token * width
                for column in 0..<width { partial[column] += row[column].single }
            }
        }
    }
    switch gradient.precision {
    case .single: sum(gradient.numbers(Float.self))
    case .brain: sum(gradient.numbers(BrainFloat.self))
    }
    addPartialSums(pool, scratch, blocks: blocks, width: width, stride: width, into: bias)
}
