import Core
import Testing

@Suite("Text made fit for a terminal")
struct PrintableTextTests {
    @Test(
        "shows what a terminal would obey",
        arguments: [
            ("\u{1B}[2J", "\\u{1b}[2J"), ("\u{9B}31m", "\\u{9b}31m"), ("a\rb", "a\\rb"), ("a\nb", "a\\nb"),
            ("\u{202E}txt", "\\u{202e}txt"), ("\u{2028}", "\\u{2028}"), ("\u{7F}", "\\u{7f}"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"), ("\u{E0041}", "\\u{e0041}"),
        ])
    func escapes(text: String, printable: String) {
        #expect(PrintableText.escaped(text) == printable)
    }

    @Test("leaves what is only text", arguments: ["대한민국 《훈민정음》", "👩‍👩‍👧", "c:\\n", "é", ""])
    func leaves(text: String) {
        #expect(PrintableText.escaped(text) == text)
    }

    @Test("leaves line breaks of the program's own text, and nothing else")
    func lineBreaks() {
        #expect(PrintableText.escaped("a\nb\r\u{1B}", keepsLineBreaks: true) == "a\nb\\r\\u{1b}")
    }
}
