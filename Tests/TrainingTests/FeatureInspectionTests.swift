import Checkpoints
import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct FeatureInspectionTests {
    private let folder: TestSupport.TemporaryFolder
    private let path: String

    init() throws {
        folder = try TestSupport.TemporaryFolder()
        path = folder.file("0123.h5")
        var columns = FeatureColumns()
        columns.beginContext([])
        let features = KeptFeatures(
            questionIDs: ["a", "b"], columns: columns, notices: [], files: ["한강.json"])
        try FeatureCache(directory: folder.path).keep(features, as: "0123")
    }

    @Test func whatIsKeptIsCounted() throws {
        let found = try FeatureInspection(path: path)
        #expect(found.questionCount == 2 && found.featureCount == 0 && found.tokenCount == 0)
        #expect(found.files == ["한강.json"])
        #expect(found.json.compact.contains(#""format":"kept features","questions":2"#))
    }

    @Test func damageOrAnotherNameIsBadData() throws {
        let copies = [folder.file("4567.h5"), folder.file("0123")]
        for copy in copies { try FileManager.default.copyItem(atPath: path, toPath: copy) }
        let whole = try Data(contentsOf: URL(filePath: path))
        let cut = try folder.write(whole.prefix(whole.count / 2), to: "89ab.h5")
        for bad in copies + [cut] {
            let error = #expect(throws: CheckpointError.self) { _ = try FeatureInspection(path: bad) }
            #expect(error?.category == .badData)
        }
    }

    @Test func nothingThereIsAMissingInput() {
        let error = #expect(throws: CheckpointError.self) {
            _ = try FeatureInspection(path: folder.file("none.h5"))
        }
        #expect(error?.category == .missingInput)
    }
}
