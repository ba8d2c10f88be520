import Foundation
import TestSupport
import Testing

@testable import Checkpoints

struct HDF5AttributesTests {
    @Test(
        arguments: [
            .integer(.min), .integer(.max), .real(.pi), .real(-.infinity), .flag(true), .flag(false),
            .text(""),
            .text("한글 \u{0301}\n"), .text(String(repeating: "긴 글", count: 60)),
        ] as [AttributeValue])
    func everyValueRoundTrips(_ value: AttributeValue) throws {
        try withFile({ try $0.writeAttribute("a", value) }) { file in
            let (read, names) = (try file.readAttribute("a"), try file.attributeNames())
            #expect(read == value)
            #expect(names == ["a"])
        }
    }

    @Test func unsignedNumbersRoundTrip() throws {
        try withFile({ try $0.writeAttribute("a", unsigned: .max) }) { file in
            let read = try file.readUnsignedAttribute("a")
            #expect(read == .max)
        }
    }

    @Test func textOfVariableLengthIsThereButNotRead() throws {
        try withFile({ try $0.writeAttribute("a", forPeople: "글") }) { file in
            let isThere = try file.hasAttribute("a")
            #expect(isThere)
            #expect(checkpointError { _ = try file.readAttribute("a") }?.category == .badData)
        }
    }

    @Test func manyAttributesRoundTrip() throws {
        let names = (0..<300).map { "name\($0)" }
        try withFile({ for name in names { try $0.writeAttribute(name, .text(name)) } }) { file in
            let (found, values) = (try file.attributeNames(), try names.map { try file.readAttribute($0) })
            #expect(found == names.sorted())
            #expect(values == names.map { .text($0) })
        }
    }

    @Test func aMissingAttributeIsNamed() throws {
        try withFile({ _ in }) { file in
            #expect(checkpointError { _ = try file.readAttribute("absent") }?.what.contains("absent") == true)
        }
    }

    private func withFile(
        _ write: (borrowing HDF5Object) throws -> Void, _ read: (borrowing HDF5Object) throws -> Void
    ) throws {
        let folder = try TemporaryFolder()
        let file = try HDF5Object.createFile(at: folder.file("a.h5"), reportedAs: "a")
        try write(file)
        try file.close()
        try read(try HDF5Object.openFile(folder.file("a.h5")))
    }
}
