import Model
import TestSupport
import Testing

@testable import Checkpoints

/// Models as transformers saves them before they are fine-tuned for questions, with the heads of their pretraining.
@Suite struct StartingPointsTests {
    private struct Expected: Decodable {
        let unexpected: [String: [String]]
    }

    static let names = [
        "bert-bare", "bert-masked-lm", "bert-pretraining", "bert-classification", "electra-bare",
        "electra-generator", "electra-discriminator", "electra-classification", "roberta-bare",
        "roberta-masked-lm", "roberta-classification",
    ]

    private static func path(_ name: String) -> String {
        Paths.fixtures.appending(path: "starting-points/\(name)").path()
    }

    private static func layout(_ name: String) throws -> ParameterLayout {
        let type = name.prefix { $0 != "-" }
        return ParameterLayout(try ModelConfiguration(json: bytes(of: path("\(type).json"))))
    }

    @Test(arguments: names, ["safetensors", "bin"])
    func theEncoderIsReadAndHeadsAreListed(_ name: String, _ form: String) throws {
        let expected = try fixture("starting-points/expected.json", as: Expected.self).unexpected
        let layout = try Self.layout(name)
        let (values, report) = try load(Self.path("\(name).\(form)"), layout)
        #expect(report.missing == ["qa_outputs.weight", "qa_outputs.bias"])
        #expect(report.unexpected.sorted() == expected["\(name).\(form)"])
        for parameter in layout.parameters {
            let isMissing = parameter.name.hasPrefix("qa_outputs.")
            #expect(values[parameter.range].allSatisfy { $0.isNaN == isMissing }, "\(parameter.name)")
        }
    }

    /// Every tensor's values are in its own place.
    @Test(arguments: names) func bothFormsGiveTheTensorsOfTheFile(_ name: String) throws {
        let layout = try Self.layout(name)
        let file = try SafetensorsFile(path: Self.path("\(name).safetensors"))
        let first = try load(file.path, layout).values
        let second = try load(Self.path("\(name).bin"), layout).values
        #expect(sameBits(first, second))
        let type = name.prefix { $0 != "-" }
        for parameter in layout.parameters where !parameter.name.hasPrefix("qa_outputs.") {
            let names = [parameter.name, String(parameter.name.dropFirst(type.count + 1))]
            let index = try #require(file.weights.firstIndex { names.contains($0.name) })
            var values = [Float](repeating: .nan, count: parameter.count)
            try values.withUnsafeMutableBufferPointer { try file.readWeight(index, into: $0) }
            #expect(sameBits(first[parameter.range], values), "\(parameter.name)")
        }
    }

    @Test func weightsOfAnotherModelAreRefused() throws {
        let layout = try Self.layout("electra-bare")
        let error = checkpointError { _ = try load(Self.path("bert-masked-lm.safetensors"), layout) }
        #expect(error?.category == .badData)
    }
}
