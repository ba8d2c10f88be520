import Distributed

/// The machine this process runs on.
package enum Host {
    package static let name = hostName()
}
