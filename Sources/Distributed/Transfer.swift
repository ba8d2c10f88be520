import Kernels

/// A message on its way. Its memory must stay as it is until it is complete.
package protocol Transfer: AnyObject {
    /// Whether the memory may be used again: sent, or received. Drives all messages forward.
    func isComplete() throws -> Bool
}

/// Buffers of one size, one for each rank of a group, which all of them can read and write.
package struct GroupBuffers {
    /// This rank's.
    package let own: FloatBuffer
    /// Everyone's in the order of the group; they live as long as `own`.
    package let all: [UnsafeMutablePointer<Float>]

    package init(own: FloatBuffer, all: [UnsafeMutablePointer<Float>]) {
        self.own = own
        self.all = all
    }

    /// Of a rank by itself.
    package init(count: Int) {
        own = FloatBuffer(count: count)
        all = [own.pointer]
    }
}
