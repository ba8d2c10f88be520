/// What products multiply, and what is kept of activations for backward: singles or bfloat16.
protocol StoredNumber: BitwiseCopyable {
    static var precision: Precision { get }
    init(_ value: Float)
    var single: Float { get }
}

extension Float: StoredNumber {
    static var precision: Precision { .single }
    @inline(__always) var single: Float { self }
}

extension BrainFloat: StoredNumber {
    static var precision: Precision { .brain }
    @inline(__always) var single: Float { Float(self) }
}

/// Numbers of one of the two precisions, in memory owned elsewhere.
package struct NumberPointer {
    package let precision: Precision
    private let address: UnsafeMutableRawPointer

    @inline(__always)
    package init(_ pointer: UnsafeMutablePointer<Float>) {
        precision = .single
        address = UnsafeMutableRawPointer(pointer)
    }

    @inline(__always)
    package init(_ pointer: UnsafeMutablePointer<BrainFloat>) {
        precision = .brain
        address = UnsafeMutableRawPointer(pointer)
    }

    @inline(__always)
    package init(reading pointer: UnsafePointer<Float>) {
        self.init(UnsafeMutablePointer(mutating: pointer))
    }

    /// The numbers where they are singles.
    package var singles: UnsafeMutablePointer<Float>? { precision == .single ? numbers() : nil }

    /// The numbers where they are bfloat16.
    package var brainFloats: UnsafeMutablePointer<BrainFloat>? { precision == .brain ? numbers() : nil }

    /// The numbers, which must be of that kind.
    @inline(__always)
    func numbers<Number: StoredNumber>(_ kind: Number.Type = Number.self) -> UnsafeMutablePointer<Number> {
        precondition(precision == Number.precision)
        return address.assumingMemoryBound(to: Number.self)
    }

    /// The first `count` numbers as singles, in memory that lives as long as the call where they are not.
    package func withSingles(count: Int, _ body: (UnsafePointer<Float>) -> Void) {
        if let singles { return body(singles) }
        let copy = FloatBuffer(count: count)
        expandBrainFloat(numbers(), into: copy.pointer, count: count)
        withExtendedLifetime(copy) { body(copy.pointer) }
    }

    /// `count` numbers on.
    @inline(__always)
    package static func + (pointer: NumberPointer, count: Int) -> NumberPointer {
        switch pointer.precision {
        case .single: NumberPointer(pointer.numbers(Float.self) + count)
        case .brain: NumberPointer(pointer.numbers(BrainFloat.self) + count)
        }
    }
}

extension Arena {
    /// The next `count` numbers, on a 64-byte boundary.
    package mutating func take(_ count: Int, _ precision: Precision) -> NumberPointer {
        let floats = take(Self.floats(count, precision))
        switch precision {
        case .single: return NumberPointer(floats)
        case .brain:
            let numbers = UnsafeMutableRawPointer(floats).bindMemory(to: BrainFloat.self, capacity: count)
            return NumberPointer(numbers)
        }
    }

    /// Floats in whose place `count` numbers stand, unpadded.
    package static func floats(_ count: Int, _ precision: Precision) -> Int {
        switch precision {
        case .single: count
        case .brain: (count + 1) / 2
        }
    }
}
