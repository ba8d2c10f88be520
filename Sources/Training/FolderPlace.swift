import Checkpoints
import Foundation
import Synchronization

/// A folder that stays known when its name changes, because it is kept open. Any thread may ask.
final class FolderPlace: Sendable {
    /// The name that it had in the beginning.
    let name: String
    private let descriptor: Mutex<Int32>

    /// - name: of a folder that is there. One that may not be read is taken to stay where it is.
    init(_ name: String) {
        self.name = name
        descriptor = Mutex(Self.open(name))
    }

    deinit { descriptor.withLock { _ = close($0) } }

    enum State: Equatable {
        case inPlace
        case movedTo(String)
        /// It has no name any more.
        case gone
    }

    var state: State {
        descriptor.withLock { descriptor in
            guard let own = FileIdentity(descriptor), own != FileIdentity(path: name) else { return .inPlace }
            return FileIdentity.path(of: descriptor).map(State.movedTo) ?? .gone
        }
    }

    /// Path of the folder now; the one that it had where it has none any more.
    var path: String {
        if case .movedTo(let path) = state { path } else { name }
    }

    /// Takes the folder that has the name now for the one that is meant.
    func reopen() {
        descriptor.withLock { descriptor in
            close(descriptor)
            descriptor = Self.open(name)
        }
    }

    private static func open(_ path: String) -> Int32 { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
}
