import Foundation

/// Weights in several files of one folder, named by an index as transformers writes it: `X.index.json` with a
/// `weight_map` from the name of each tensor to its file.
package final class ShardedWeights: WeightSource {
    package let path: String
    package let weights: [WeightDescription]
    package let metadata: [String: String]
    package var format: WeightFormat { .sharded }
    /// By the names of their files.
    private let shards: [any WeightSource]
    private let places: [(shard: Int, tensor: Int)]

    /// Bytes that an index may have: far more than those of the largest models.
    private static let largestIndex = 1 << 26

    private struct Index: Decodable {
        let weightMap: [String: String]

        enum CodingKeys: String, CodingKey { case weightMap = "weight_map" }
    }

    /// Opens the index at `path` and all files that it names, which must be in its folder. Throws `.missingInput` for
    /// one that is not there, and `.badData` when it lacks a tensor.
    package init(path: String) throws {
        self.path = path
        let map = try Self.map(path)
        let names = Set(map.values).sorted()
        for name in names { try Self.check(name, index: path) }
        let shards = try names.map { try Self.open($0, index: path) }
        var weights: [WeightDescription] = []
        var places: [(shard: Int, tensor: Int)] = []
        for (shard, source) in shards.enumerated() {
            for (tensor, description) in source.weights.enumerated()
            where map[description.name] == names[shard] {
                weights.append(description)
                places.append((shard, tensor))
            }
        }
        try Self.checkCompleteness(map, weights, path: path)
        self.shards = shards
        self.weights = weights
        self.places = places
        metadata = ["shards": names.joined(separator: ", ")]
    }

    package func withElements<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try shards[places[index].shard].withElements(of: places[index].tensor, body)
    }

    package func readWeight(_ index: Int, into destination: UnsafeMutableBufferPointer<Float>) throws {
        try shards[places[index].shard].readWeight(places[index].tensor, into: destination)
    }

    package func isProtected(_ index: Int) throws -> Bool {
        try shards[places[index].shard].isProtected(places[index].tensor)
    }

    package func verify() throws { for shard in shards { try shard.verify() } }

    private static func map(_ path: String) throws -> [String: String] {
        let text = try MappedFile.contents(of: path, limit: largestIndex)
        do {
            // Foundation traps when lists are nested too deeply and the last byte opens one: another one follows.
            return try JSONDecoder().decode(Index.self, from: Data(text) + [0x0A]).weightMap
        } catch {
            throw CheckpointError.badData(
                "is not an index of weights: a JSON object with a weight_map from tensors to files",
                path: path,
                remedy: "name a file of weights or an index as transformers saves it")
        }
    }

    private static func check(_ name: String, index: String) throws {
        guard !name.isEmpty, name != ".", name != "..",
            !name.utf8.contains(where: { [0, 0x2F, 0x5C].contains($0) })
        else {
            throw CheckpointError.badData(
                "names a file outside of its folder", path: index, item: name,
                remedy: "put all files of the weights into one folder")
        }
    }

    private static func open(_ name: String, index: String) throws -> any WeightSource {
        let folder = index.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(index[...$0]) } ?? ""
        let path = folder + name
        guard WeightFormat.exists(path) else {
            throw CheckpointError(
                .missingInput, "is missing, a part of the weights that the index names", path: path,
                remedy: "put all files that \(index) names into its folder")
        }
        switch try WeightFormat.locate(path).format {
        case .safetensors: return try SafetensorsFile(path: path)
        case .torch: return try TorchFile(path: path)
        case .checkpoint, .sharded, .keras:
            throw CheckpointError.badData(
                "is no part of sharded weights, which are safetensors or PyTorch files", path: path,
                remedy: "put the files that \(index) names into its folder")
        }
    }

    private static func checkCompleteness(
        _ map: [String: String], _ weights: [WeightDescription], path: String
    ) throws {
        guard weights.count < map.count else { return }
        let found = Set(weights.map(\.name))
        guard let (name, shard) = map.filter({ !found.contains($0.key) }).min(by: { $0.key < $1.key }) else {
            return
        }
        throw CheckpointError.badData(
            "is not in \(shard), where the index has it", path: path, item: name,
            remedy: "use an index and files that were saved together")
    }
}
