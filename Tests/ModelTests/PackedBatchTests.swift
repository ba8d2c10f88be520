import Testing

@testable import Model

@Suite struct PackedBatchTests {
    private static func configuration(_ text: String) throws -> ModelConfiguration {
        try ModelConfiguration(json: "{\(text)}".utf8)
    }

    private static let sequences = [
        InputSequence(wordIDs: [0, 9, 1, 9, 2], tokenTypeIDs: [0, 0, 0, 1, 1], label: nil, position: 4),
        InputSequence(wordIDs: [0, 1, 2], tokenTypeIDs: [0, 1, 1], label: nil, position: 7),
    ]

    private static func rows(_ text: String) throws -> (positions: [Int32], types: [Int32], places: [Int32]) {
        let batch = PackedBatch(sequences, for: try configuration(text))
        func all(_ pointer: UnsafePointer<Int32>) -> [Int32] {
            Array(UnsafeBufferPointer(start: pointer, count: batch.tokens))
        }
        return (all(batch.positionIDs), all(batch.tokenTypeIDs), all(batch.places))
    }

    @Test(arguments: ["bert", "electra"]) func positionsCountFromZero(_ type: String) throws {
        let rows = try Self.rows(#""model_type": "\#(type)", "pad_token_id": 1"#)
        #expect(rows.positions == [0, 1, 2, 3, 4, 0, 1, 2])
        #expect(rows.types == [0, 0, 0, 1, 1, 0, 1, 1])
    }

    /// As create_position_ids_from_input_ids of transformers: the padding token, 1, stands in both texts.
    @Test func positionsOfRobertaCountFromBehindPadding() throws {
        let rows = try Self.rows(#""model_type": "roberta""#)
        #expect(rows.positions == [2, 3, 1, 4, 5, 2, 1, 3])
        #expect(rows.types == [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(rows.places == [0, 1, 2, 3, 4, 0, 1, 2])
    }

    @Test(arguments: ["bert", "electra"]) func aModelWithOneTokenTypeGetsNoOther(_ type: String) throws {
        let rows = try Self.rows(#""model_type": "\#(type)", "type_vocab_size": 1"#)
        #expect(rows.types.allSatisfy { $0 == 0 })
    }
}
