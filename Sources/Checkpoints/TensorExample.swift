import SwiftProtobuf

/// A `tf.train.Example`: rows of numbers by name.
package struct TensorExample {
    private var message = Tensorflow_Example()

    package init() {}

    /// The message in `bytes`. Throws `CheckpointError`, `.badData` naming `item` of the file at `path`.
    package init(_ bytes: UnsafeRawBufferPointer, path: String, item: String) throws {
        do {
            message = try Tensorflow_Example(serializedBytes: Array(bytes))
        } catch {
            throw CheckpointError.badData("is not a tf.train.Example", path: path, item: item)
        }
    }

    /// The message, the same bytes for the same rows.
    package var bytes: [UInt8] {
        get throws {
            var options = BinaryEncodingOptions()
            options.useDeterministicOrdering = true
            return try message.serializedBytes(options: options)
        }
    }

    /// The whole numbers of the feature `name`: empty for one without values, whatever its type; nil where there is
    /// none of the name, or one of another type.
    package subscript(name: String) -> [Int64]? {
        get {
            switch message.features.feature[name]?.kind {
            case .int64List(let list): list.value
            case .bytesList(let list): list.value.isEmpty ? [] : nil
            case .floatList(let list): list.value.isEmpty ? [] : nil
            case nil: message.features.feature[name] == nil ? nil : []
            }
        }
        set {
            var feature = Tensorflow_Feature()
            feature.int64List.value = newValue ?? []
            message.features.feature[name] = feature
        }
    }

    /// The names of all features, in order.
    package var names: [String] { message.features.feature.keys.sorted() }
}
