import Glibc

/// Floats on a 64-byte boundary, owned: the memory behind parameters, gradients, optimizer state and
/// activations.
package final class FloatBuffer: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<Float>
    package let count: Int
    private let release: () -> Void

    /// Memory that somebody else made: `count` floats at `pointer`, given back by `release`.
    package init(_ pointer: UnsafeMutablePointer<Float>, count: Int, release: @escaping () -> Void) {
        self.pointer = pointer
        self.count = count
        self.release = release
    }

    /// `count` floats, all zero. Pages of large buffers take memory only once they are written.
    package init(count: Int) {
        self.count = count
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        if bytes >= 1 << 20, let pages = Self.map(bytes) {
            pointer = pages.bindMemory(to: Float.self, capacity: count)
            release = { munmap(pages, bytes) }
            return
        }
        let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        let pointer = raw.bindMemory(to: Float.self, capacity: max(count, 1))
        pointer.initialize(repeating: 0, count: max(count, 1))
        self.pointer = pointer
        release = { pointer.deallocate() }
    }

    private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
        let pages = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return pages == MAP_FAILED ? nil : pages
    }

    deinit { release() }

    package var buffer: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: pointer, count: count)
    }

    package func fill(_ value: Float) { pointer.update(repeating: value, count: count) }
}

/// Hands out pieces of one buffer from front to back, so that a step allocates nothing.
package struct Arena {
    private let buffer: FloatBuffer
    private var used = 0

    package init(_ buffer: FloatBuffer) { self.buffer = buffer }

    /// The next `count` floats, on a 64-byte boundary.
    package mutating func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let start = used
        used += Self.padded(count)
        precondition(used <= buffer.count, "arena of \(buffer.count) floats is too small for \(used)")
        return buffer.pointer + start
    }

    /// What `take(count)` uses up.
    package static func padded(_ count: Int) -> Int { (count + 15) & ~15 }
}
