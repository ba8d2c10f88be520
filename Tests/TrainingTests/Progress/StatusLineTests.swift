import Synchronization
import TestSupport
import Testing
import Training

@Suite struct StatusLineTests {
    private static func text(_ words: String...) -> StatusText {
        var text = StatusText()
        for (index, word) in words.enumerated() { text.add((word, words.count - index)) }
        return text
    }

    @Test func theLeastImportantPartsGiveWayFirst() {
        var text = StatusText()
        text.add(("one one", 3), ("1", 9))
        text.add(("two", 1))
        text.add(("three", 5))
        #expect(
            text.variants.map(\.text) == ["one one  two  three", "one one  three", "1  three", "1"])
        #expect(text.variants.map(\.columns) == [19, 14, 8, 1])
        #expect(text.fitting(200) == "one one  two  three" && text.fitting(18) == "one one  three")
        #expect(text.fitting(13) == "1  three" && text.fitting(1) == "1" && text.fitting(0).isEmpty)
    }

    @Test func wordsAreNeverCutAndWideSignsCountTwice() {
        let text = Self.text("학습", "두레 모델", "model")
        for columns in 0...40 {
            let line = text.fitting(columns)
            #expect(line.unicodeScalars.reduce(0) { $0 + TerminalScreen.columns($1) } <= columns)
            #expect(["", "학습", "학습  두레 모델", "학습  두레 모델  model"].contains(line))
        }
        #expect(text.fitting(14) == "학습" && text.fitting(15) == "학습  두레 모델")
    }

    @Test func controlCharactersAreNotShown() {
        #expect(Self.text("a\u{1B}[2J\nb").fitting(80) == "a\\u{1b}[2J\\nb")
    }

    @Test func widthsAreThoseOfTheCLibrary() {
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0xA1...0xAC, 0xAE...0x2FF, 0x300...0x36F, 0x391...0x3A1, 0x1100...0x115F,
            0x1160...0x11FF, 0x2500...0x25CF, 0x2E80...0x2E99, 0x3000...0x303E, 0x3041...0x3096,
            0x30A0...0x30FF, 0x3131...0x318E, 0x3400...0x4DB5, 0x4E00...0x9FA5, 0xAC00...0xD7A3,
            0xF900...0xFA6D, 0xFE00...0xFE0F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x2A6D6,
        ]
        let wrong = ranges.joined().compactMap(Unicode.Scalar.init).filter {
            DisplayWidth.columns(String($0)) != TerminalScreen.columns($0)
        }
        #expect(wrong.map { String($0.value, radix: 16) } == [])
        #expect(DisplayWidth.columns("두레 ▰▱ 日本") == 12)
    }

    @Test func theLineIsDrawnAtMostTenTimesASecond() {
        let terminal = FakeTerminal()
        let line = terminal.line
        line.show(Self.text("0"))
        #expect(terminal.drawn == ["0"], "the first at once")
        for step in 1...1000 {
            terminal.pass(0.001)
            line.show(Self.text("\(step)"))
        }
        #expect((9...11).contains(terminal.drawn.count))
        // What is not drawn is not even made.
        func unwanted() -> StatusText {
            Issue.record("made in vain")
            return Self.text("")
        }
        terminal.pass(1)
        line.show(Self.text("last"))
        line.message("m")
        line.show(unwanted())
        #expect(terminal.screen.lines.first == "m" && terminal.screen.lines.count == 2)
    }

    @Test func messagesOfManyLinesStandAboveTheLine() {
        let terminal = FakeTerminal(columns: 30)
        let line = terminal.line
        line.message("before")
        line.show(Self.text("status that is rather long"))
        line.message(lines: ["one", "two"])
        #expect(terminal.screen.lines == ["before", "one", "two", "status that is rather long"])
        line.clear()
        #expect(terminal.screen.lines == ["before", "one", "two"])
        line.message("after")
        #expect(terminal.screen.lines == ["before", "one", "two", "after"])
    }

    @Test func aClosedLineOnlyTakesMessages() {
        let terminal = FakeTerminal()
        let line = terminal.line
        line.show(Self.text("status"))
        line.close()
        line.show(Self.text("status"))
        line.message("dure: error: it is over")
        #expect(terminal.screen.lines == ["dure: error: it is over"])
    }

    @Test func withoutATerminalThereAreMessagesAlone() {
        let terminal = FakeTerminal()
        let line = terminal.line(on: .none)
        #expect(!line.isShown)
        line.show(Self.text("status"))
        line.message("one")
        line.clear()
        line.close()
        #expect(terminal.text == "one\n")
    }

    @Test func aLauncherGetsAllFormsOnOneLine() {
        let terminal = FakeTerminal()
        let line = terminal.line(on: .launcher)
        line.show(Self.text("학습", "b"))
        line.message("one")
        line.clear()
        let mark = "dure-launch: status"
        let forms = "\(mark)\u{1F}7\u{1F}학습  b\u{1F}4\u{1F}학습\n"
        #expect(terminal.text == forms + "one\n" + forms + mark + "\n")
    }

    @Test func threadsDoNotWriteIntoEachOthersLines() async {
        let terminal = FakeTerminal(columns: 40)
        let line = terminal.line
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for round in 0..<200 {
                        terminal.pass(0.01)
                        line.show(Self.text("status", "of \(task)"))
                        line.message("message \(round) of \(task)")
                    }
                }
            }
        }
        line.clear()
        let expected = (0..<8).flatMap { task in (0..<200).map { "message \($0) of \(task)" } }
        #expect(terminal.screen.lines.sorted() == expected.sorted())
    }
}
