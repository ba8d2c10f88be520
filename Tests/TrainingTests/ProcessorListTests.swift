import TestSupport
import Testing

@testable import Training

@Suite struct ProcessorListTests {
    @Test func listsOfProcessorsAreNumbersAndRanges() {
        #expect(ProcessorList.parse("\t0-3,8") == [0, 1, 2, 3, 8])
        #expect(ProcessorList.parse("5") == [5])
        #expect(ProcessorList.parse("0-1,4-5, 7\n") == [0, 1, 4, 5, 7])
    }

    @Test(arguments: ["", "x", "3-1", "-", ",,", " "]) func whatIsNoListHoldsNoProcessors(text: String) {
        #expect(ProcessorList.parse(text) == [])
    }

    @Test func aListIsAsShortAsItCanBe() {
        #expect(ProcessorList.text([8, 2, 1, 0, 3]) == "0-3,8")
        #expect(ProcessorList.text([1, 2]) == "1-2")
        #expect(ProcessorList.text([]).isEmpty)
    }

    @Test func whatIsWrittenIsReadBack() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let numbers = Set(
                (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    Int.random(in: 0..<64, using: &generator)
                })
            #expect(ProcessorList.parse(ProcessorList.text(numbers)) == numbers)
        }
    }
}
