import Foundation

/// A safetensors file taken apart, so that tests can put it together wrongly.
struct Safetensors {
    struct Tensor {
        var name: String
        var type: String
        var shape: [Int]
        var bytes: [UInt8]
    }

    var tensors: [Tensor]

    init(contentsOf path: String) throws {
        let file = Array(try Data(contentsOf: URL(filePath: path)))
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSON(file[8..<8 + length])
        tensors = header.members.filter { $0.key != "__metadata__" }.sorted { $0.key < $1.key }.map {
            let range = $1["data_offsets"]?.list.compactMap { $0.number.map { Int($0) } } ?? []
            return Tensor(
                name: $0, type: $1["dtype"]?.text ?? "",
                shape: $1["shape"]?.list.compactMap { $0.number.map { Int($0) } } ?? [],
                bytes: Array(file[(8 + length + range[0])..<(8 + length + range[1])]))
        }
    }

    /// The tensor called `name`; tests only ask for those there are.
    subscript(name: String) -> Tensor {
        get { tensors.first { $0.name == name } ?? Tensor(name: name, type: "", shape: [], bytes: []) }
        set { tensors = tensors.map { $0.name == name ? newValue : $0 } }
    }

    /// What the header says, the tensors one behind the other.
    var header: [String: JSON] {
        var start = 0
        var members: [String: JSON] = [:]
        for tensor in tensors {
            let end = start + tensor.bytes.count
            members[tensor.name] = [
                "dtype": .text(tensor.type), "shape": .list(tensor.shape.map { .number(Double($0)) }),
                "data_offsets": .list([.number(Double(start)), .number(Double(end))]),
            ]
            start = end
        }
        return members
    }

    var data: [UInt8] { tensors.flatMap(\.bytes) }

    /// A file with these tensors.
    var file: [UInt8] { file(header: JSON.object(header).text) }

    /// A file with a header of this text.
    func file(header: String) -> [UInt8] { Self.length(header.utf8.count) + Array(header.utf8) + data }

    static func length(_ count: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    }
}
