/// Finds a text's number by the text, where the texts themselves stand elsewhere: 8 to 16 bytes a text.
struct TextIndex: Sendable {
    private struct Slot {
        var hash: UInt32 = 0
        var number: Int32 = -1
    }

    private var slots = [Slot](repeating: Slot(), count: 16)
    private(set) var count = 0

    /// The number under which an equal text was entered before; else enters this one under `number`.
    ///
    /// - hash: of the text, by `hash(of:)`.
    /// - isSame: whether the text of a number is the same.
    mutating func enter(_ hash: UInt32, as number: Int, isSame: (Int) -> Bool) -> Int? {
        let slot = slot(hash, isSame)
        if slots[slot].number >= 0 { return Int(slots[slot].number) }
        slots[slot] = Slot(hash: hash, number: Int32(number))
        count += 1
        if count > slots.count / 2 { grow() }
        return nil
    }

    func find(_ hash: UInt32, isSame: (Int) -> Bool) -> Int? {
        let number = slots[slot(hash, isSame)].number
        return number < 0 ? nil : Int(number)
    }

    /// The slot of the text, or the free one where it would stand.
    private func slot(_ hash: UInt32, _ isSame: (Int) -> Bool) -> Int {
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot].number >= 0 {
            if slots[slot].hash == hash, isSame(Int(slots[slot].number)) { return slot }
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: 2 * old.count)
        for entry in old where entry.number >= 0 { slots[slot(entry.hash) { _ in false }] = entry }
    }

    /// Seeded anew in every process, so that no file can be made of texts that collide.
    static func hash(of bytes: UnsafeRawBufferPointer, with number: Int = 0) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        hasher.combine(number)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    static func hash(of text: String, with number: Int = 0) -> UInt32 {
        var text = text
        return text.withUTF8 { hash(of: UnsafeRawBufferPointer($0), with: number) }
    }
}

extension UnsafeRawBufferPointer {
    func isSame(as text: String) -> Bool { elementsEqual(text.utf8) }
}

extension TextList {
    func isSame(_ index: Int, as text: String) -> Bool { withBytes(index) { $0.isSame(as: text) } }
}
