import Core
import Foundation

/// What is wrong with a file of weights, settings or training state, and what to do about it.
package struct CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of trouble, from which the command line takes its exit code.
    package enum Category: String, Sendable {
        /// An input does not exist or cannot be opened (66).
        case missingInput
        /// An input is damaged or does not hold what it must (65).
        case badData
        /// An output cannot be created (73).
        case cannotCreate
        /// Reading or writing failed part way, as on a full disk (74).
        case ioFailed
    }

    package let category: Category
    /// One clause, without the path.
    package let what: String
    package let path: String
    /// The tensor, dataset, attribute or key inside the file.
    package let item: String?
    package let remedy: String

    package init(
        _ category: Category, _ what: String, path: String, item: String? = nil, remedy: String
    ) {
        self.category = category
        self.what = what
        self.path = path
        self.item = item
        self.remedy = remedy
    }

    /// Where it happened: the path, and the item in it when there is one.
    package var location: String { item.map { "\(path), \($0)" } ?? path }

    /// `WHAT (WHERE): WHAT TO DO`.
    package var description: String { "\(what) (\(location)): \(remedy)" }
}

extension CheckpointError {
    static func badData(
        _ what: String, path: String, item: String? = nil,
        remedy: String = "the file is damaged or was not written for this: copy it or save it again"
    ) -> CheckpointError {
        CheckpointError(.badData, what, path: path, item: item, remedy: remedy)
    }

    /// The error about the file at `path`, which begins with `start`, where that shows it to be of a kind that is none of
    /// `wanted`.
    ///
    /// - format: the name of what is wanted, where that is one format.
    /// - remedy: where the kind itself tells none.
    static func otherContent(
        _ start: some Sequence<UInt8>, path: String, wanted: Set<FileContent>, format: String? = nil,
        remedy: String
    ) -> CheckpointError? {
        let name = String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
        guard let content = FileContent.recognised(start, name: name), !wanted.contains(content) else {
            return nil
        }
        let what = format.map(content.what(insteadOf:)) ?? content.what
        return .badData(what, path: path, remedy: content.remedy ?? remedy)
    }

    /// An input that could not be opened or read; `code` is `errno`.
    static func cannotOpen(_ path: String, errno code: Int32) -> CheckpointError {
        switch code {
        case EIO, ENOMEM, EMFILE, ENFILE:
            CheckpointError(
                .ioFailed, "cannot be read, \(errorText(code))", path: path,
                remedy: "check the disk and the limits of the process, then try again")
        default:
            CheckpointError(
                .missingInput, "cannot be opened, \(errorText(code))", path: path,
                remedy: "check the path and its permissions")
        }
    }

    /// An output that could not be created, or not be written; `code` is `errno` of the call named by `action`.
    package static func cannotWrite(
        _ path: String, _ action: String, errno code: Int32, created: Bool
    ) -> CheckpointError {
        let full = [ENOSPC, EDQUOT, EFBIG].contains(code)
        if created || full || code == EIO {
            let remedy = full ? "make room or write to another disk" : "check the disk, then try again"
            return CheckpointError(
                .ioFailed, "cannot \(action), \(errorText(code))", path: path, remedy: remedy)
        }
        return CheckpointError(
            .cannotCreate, "cannot \(action), \(errorText(code))", path: path,
            remedy: "name a file in an existing folder that you may write to")
    }

    static func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
}
