import Testing

@testable import QuestionAnswering

struct PythonTextTests {
    private struct Characters: Decodable {
        let space: [UInt32]
        let wordRanges: [[UInt32]]

        enum CodingKeys: String, CodingKey {
            case space
            case wordRanges = "word_ranges"
        }
    }

    @Test func whiteSpaceIsPythons() throws {
        let expected = Set(try fixture("metrics/characters.json", as: Characters.self).space)
        let found = (0..<UInt32(0x110000)).filter { Unicode.Scalar($0).map(PythonText.isSpace) == true }
        #expect(Set(found) == expected)
    }

    @Test func wordCharactersArePythons() throws {
        let ranges = try fixture("metrics/characters.json", as: Characters.self).wordRanges
        for range in ranges {
            let missed = (range[0]...range[1]).filter { Unicode.Scalar($0).map(PythonText.isWord) != true }
            #expect(missed.isEmpty)
        }
        // Nothing else is one, but for letters that Unicode gained after the version Python knew.
        let expected = Set(ranges.flatMap { Array($0[0]...$0[1]) })
        let extra = (0..<UInt32(0x30000)).compactMap(Unicode.Scalar.init)
            .filter { PythonText.isWord($0) && !expected.contains($0.value) }
        let known = extra.filter { ($0.properties.age ?? (0, 0)) <= (14, 0) }
        #expect(known.isEmpty)
    }

    @Test func lowerCaseIsPythons() throws {
        for pair in try fixture("metrics/lower.json", as: [[String]].self) {
            let lower = CodePoints.text(of: PythonText.lowercased(Array(pair[0].unicodeScalars)))
            #expect(isSameText(lower, pair[1]), "\(pair[0].unicodeScalars.map(\.value))")
        }
    }

    @Test func leftStrippingStopsAtTheFirstCharacterThatIsNoSpace() {
        #expect(isSameText(PythonText.leftStripped("\u{3000}\u{1C} \r\n가 나 "), "가 나 "))
        #expect(isSameText(PythonText.leftStripped("\u{200B}가"), "\u{200B}가"))
        #expect(PythonText.leftStripped(" \t") == "")
    }
}
