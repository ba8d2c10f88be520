import Testing

@testable import QuestionAnswering

@Suite struct TextNormalizerTests {
    private func normalize(_ text: String, _ settings: TokenizerSettings) -> AlignedText {
        TextNormalizer(settings: settings).normalize(text.unicodeScalars.map(\.value))
    }

    @Test func `control characters vanish and sources keep counting them`() {
        let text = normalize("a\0b\u{200D}\tc", TokenizerSettings(doLowerCase: false))
        #expect(text == AlignedText(scalars: [0x61, 0x62, 0x20, 0x63], sources: [0, 2, 4, 5]))
    }

    @Test func `a syllable taken apart keeps its one source`() {
        let text = normalize("A각", TokenizerSettings())
        #expect(text == AlignedText(scalars: [0x61, 0x1100, 0x1161, 0x11A8], sources: [0, 1, 1, 1]))
    }

    @Test func `lower-casing without stripping may lengthen the text`() {
        let text = normalize("İx", TokenizerSettings(doLowerCase: true, stripAccents: false))
        #expect(text == AlignedText(scalars: [0x69, 0x307, 0x78], sources: [0, 0, 1]))
    }

    @Test func `marks that stay are put in canonical order and take sources in turn`() {
        // U+302E (class 224, spacing) follows U+0316 (class 220, dropped) in canonical order.
        let text = normalize("a\u{302E}\u{316}b", TokenizerSettings())
        #expect(text == AlignedText(scalars: [0x61, 0x302E, 0x62], sources: [0, 2, 3]))
    }
}
