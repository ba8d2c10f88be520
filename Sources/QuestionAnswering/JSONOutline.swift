import Foundation

/// What a JSON file is by its outermost keys, before anything is read as something.
package struct JSONOutline: Decodable, Sendable, Equatable {
    /// Of the outermost object, in no particular order; `nil` when there is none.
    package let keys: [String]?

    /// Reads all of the file, which has to be JSON.
    ///
    /// - Throws: `DatasetError`, naming the file and the place.
    package init(path: String) throws {
        // The records of a dataset show when they are read.
        if let file = try JSONFileInPieces(path: path, .records), file.container == .dataList {
            self = try JSONDecoder().decode(JSONOutline.self, fromText: file.skeleton)
        } else {
            self = try JSONFile.decode(JSONOutline.self, path: path)
        }
    }

    package init(from decoder: any Decoder) throws {
        keys = try? decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
