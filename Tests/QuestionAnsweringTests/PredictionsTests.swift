import QuestionAnswering
import Testing

struct PredictionsTests {
    @Test func textsAreFoundByTheirId() throws {
        let predictions = try withFile(#"{"a":"답","b":""}"#.utf8) { try Predictions(path: $0) }
        #expect(predictions["a"] == "답")
        #expect(predictions["b"] == "")
        #expect(predictions["c"] == nil)
    }

    @Test func aValueThatIsNoTextIsReportedWithItsKey() throws {
        try withFile(#"{"a":"답","나":3}"#.utf8) { path in
            let error = #expect(throws: DatasetError.self) { try Predictions(path: path) }
            guard case .wrongStructure(let place, _, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(place == RecordPlace(path: path, record: "나"))
        }
    }

    @Test func brokenAndMissingFilesAreReported() throws {
        try withFile(#"{"a":"#.utf8) { path in
            let error = #expect(throws: DatasetError.self) { try Predictions(path: path) }
            #expect(error?.kind == .badData)
        }
        #expect(throws: DatasetError.missingFile(path: "/nonexistent.json")) {
            try Predictions(path: "/nonexistent.json")
        }
    }
}
