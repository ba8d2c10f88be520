import Foundation
import Kernels
import Model
import TestSupport
import Testing

/// The published configurations of Korean models, and the tensors that transformers has for each.
@Suite struct ConfigurationsTests {
    struct Layout: Decodable {
        let parameters: Int
        let tensors: Int
        let blocks: Int
        /// Of the first block and all that is in no block.
        let shapes: [String: [Int]]
    }

    private struct Layouts: Decodable {
        let layouts: [String: Layout]
    }

    static let names = [
        "bert-base", "bert-kor-base", "kcbert-base", "kcbert-large", "koelectra-base-v3-discriminator",
        "koelectra-small-v3-discriminator", "roberta-base",
    ]

    private static func configuration(_ name: String) throws -> ModelConfiguration {
        let path = Paths.fixtures.appending(path: "configurations/\(name)/config.json")
        return try ModelConfiguration(json: Data(contentsOf: path))
    }

    @Test func allAreLookedAt() throws {
        let layouts = try fixture("configurations/layouts.json", as: Layouts.self).layouts
        #expect(layouts.keys.sorted() == Self.names)
    }

    @Test(arguments: names) func tensorsAreThoseOfTransformers(_ name: String) throws {
        let layouts = try fixture("configurations/layouts.json", as: Layouts.self).layouts
        let expected = try #require(layouts[name])
        let layout = ParameterLayout(try Self.configuration(name))
        #expect(layout.count == expected.parameters)
        #expect(layout.parameters.count == expected.tensors)
        for block in 0..<expected.blocks {
            for (name, shape) in expected.shapes where name.contains(".layer.0.") {
                let own = name.replacing(".layer.0.", with: ".layer.\(block).")
                #expect(layout[own]?.shape == shape, "\(own)")
            }
        }
        for (name, shape) in expected.shapes where !name.contains(".layer.") {
            #expect(layout[name]?.shape == shape, "\(name)")
        }
    }

    @Test(arguments: [
        ("kcbert-base", 300), ("kcbert-large", 300), ("bert-kor-base", 512), ("roberta-base", 512),
        ("koelectra-small-v3-discriminator", 512),
    ])
    func theLongestSequenceIsKnown(_ name: String, _ length: Int) throws {
        #expect(try Self.configuration(name).maxSequenceLength == length)
    }

    @Test func onlyTheSmallOneProjectsItsEmbeddings() throws {
        let projecting = try Self.names.filter { try Self.configuration($0).projectsEmbeddings }
        #expect(projecting == ["koelectra-small-v3-discriminator"])
    }

    @Test func paddingRowsBeginAtZero() throws {
        var configuration = try Self.configuration("roberta-base")
        (configuration.layerCount, configuration.vocabularySize) = (1, 10)
        (configuration.hiddenSize, configuration.embeddingSize) = (12, 12)
        let layout = ParameterLayout(configuration)
        let parameters = FloatBuffer(count: layout.count)
        initializeParameters(parameters.buffer, layout: layout, configuration: configuration, seed: 1)
        for table in ["word", "position"] {
            let offset = try #require(layout["roberta.embeddings.\(table)_embeddings.weight"]).offset
            for row in 0..<4 {
                let values = parameters.buffer[offset + row * 12..<offset + (row + 1) * 12]
                #expect(values.allSatisfy { $0 == 0 } == (row == 1), "\(table) \(row)")
            }
        }
    }
}
