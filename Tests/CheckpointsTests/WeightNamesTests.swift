import Model
import Testing

@testable import Checkpoints

struct WeightNamesTests {
    let layout: ParameterLayout

    init() throws { layout = ParameterLayout(try fixtureConfiguration()) }

    private func names(_ tensors: [WeightDescription]) throws -> WeightNames {
        try WeightNames(tensors, layout: layout, path: "x")
    }

    private var tensors: [WeightDescription] {
        layout.parameters.map { WeightDescription(name: $0.name, shape: $0.shape) }
    }

    private func renamed(_ rename: (String) -> String) -> [WeightDescription] {
        tensors.map { WeightDescription(name: rename($0.name), shape: $0.shape) }
    }

    @Test func pytorchNamesMatch() throws {
        let names = try names(tensors.reversed())
        #expect(names.matches.map(\.parameter) == layout.parameters)
        #expect(names.matches.map(\.tensor) == (0..<layout.parameters.count).reversed())
        #expect(names.missing.isEmpty && names.unexpected.isEmpty)
    }

    @Test func namesWithoutPrefixAndWithGammaAndBetaMatch() throws {
        let names = try names(
            renamed {
                $0.replacing("bert.", with: "").replacing("LayerNorm.weight", with: "LayerNorm.gamma")
                    .replacing("LayerNorm.bias", with: "LayerNorm.beta")
            })
        #expect(names.matches.map(\.tensor) == Array(layout.parameters.indices))
    }

    @Test(arguments: ["module.", "_orig_mod.", "model.", "module._orig_mod.", "net.model.module."])
    func aStartThatAllNamesHaveInCommonIsTakenOff(_ prefix: String) throws {
        let extra = WeightDescription(name: "\(prefix)pooler.bias", shape: [8])
        let names = try names([extra] + renamed { prefix + $0 })
        #expect(names.prefix == prefix)
        #expect(names.matches.map(\.tensor) == layout.parameters.indices.map { $0 + 1 })
        #expect(names.missing.isEmpty && names.unexpected == [extra.name])
        let bare = try self.names(renamed { prefix + $0.replacing("bert.", with: "") })
        #expect(bare.prefix == prefix && bare.matches.count == layout.parameters.count)
    }

    @Test func onlyAWrapperOfThisModelIsTakenOff() throws {
        #expect(try names(tensors).prefix.isEmpty)
        #expect(try names(tensors.filter { $0.name.hasPrefix("bert.") }).prefix.isEmpty)
        // Some names only, and the names of another kind of model.
        for rename in [
            { $0.hasPrefix("qa_outputs") ? $0 : "module.\($0)" },
            { "electra.\($0.replacing("bert.", with: ""))" },
        ] as [(String) -> String] {
            #expect(checkpointError { _ = try names(renamed(rename)) }?.what.contains("missing") == true)
        }
    }

    @Test func aMissingSpanHeadIsReported() throws {
        let names = try names(tensors.filter { !$0.name.hasPrefix("qa_outputs") })
        #expect(names.missing == ["qa_outputs.weight", "qa_outputs.bias"])
    }

    @Test func unexpectedTensorsAreListed() throws {
        let extra = ["cls.predictions.bias", "bert.pooler.dense.weight", "bert.qa_outputs.weight"]
        let names = try names(extra.map { WeightDescription(name: $0, shape: [1]) } + tensors)
        #expect(names.unexpected == extra)
    }

    @Test func aMissingEncoderTensorIsNamedWithItsShape() {
        let name = "bert.encoder.layer.1.output.dense.weight"
        let error = checkpointError { _ = try names(tensors.filter { $0.name != name }) }
        #expect(error?.category == .badData)
        #expect(error?.item == name)
        #expect(error?.what.contains("[8, 12]") == true)
    }

    @Test func aWrongShapeIsNamedWithBothShapes() {
        for name in ["bert.encoder.layer.1.output.dense.weight", "qa_outputs.weight"] {
            let changed = tensors.map {
                $0.name == name ? WeightDescription(name: name, shape: [12, 8]) : $0
            }
            let error = checkpointError { _ = try names(changed) }
            #expect(error?.item == name)
            #expect(error?.what.contains("[12, 8]") == true)
            #expect(error?.what.contains("[\(layout[name]?.shape[0] ?? 0), ") == true)
        }
    }

    @Test func aParameterUnderTwoNamesIsAnError() {
        for twin in ["embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.gamma"] {
            let error = checkpointError {
                _ = try names(tensors + [WeightDescription(name: twin, shape: [8])])
            }
            #expect(error?.item == twin)
            #expect(error?.what.contains("bert.embeddings.LayerNorm.weight") == true)
        }
    }
}
