import Foundation

/// The networks by which ranks of several hosts look for each other.
enum NetworkInterfaces {
    /// How to choose one, and those of this host that Open MPI tries.
    static func remedy(
        _ interfaces: [(name: String, address: String)] = here(),
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String {
        var tried = interfaces.map { "\($0.name) \($0.address)" }
        if let chosen = environment["OMPI_MCA_btl_tcp_if_include"] {
            tried = [chosen]
        } else if let excluded = environment["OMPI_MCA_btl_tcp_if_exclude"]?.split(separator: ",") {
            tried = interfaces.filter { !excluded.contains($0.name[...]) }.map { "\($0.name) \($0.address)" }
        }
        return
            "name the network that all hosts share with DURE_INTERFACE for launch/cluster, or with mpirun's "
            + "--mca btl_tcp_if_include; tried here: \(tried.isEmpty ? "none" : tried.joined(separator: ", "))"
    }

    /// Interfaces but for the one of the host alone, with their IPv4 addresses.
    static func here() -> [(name: String, address: String)] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var interfaces: [(name: String, address: String)] = []
        var next = first
        while let interface = next?.pointee {
            next = interface.ifa_next
            if let address = address(of: interface) {
                interfaces.append((String(cString: interface.ifa_name), address))
            }
        }
        return interfaces
    }

    private static func address(of interface: ifaddrs) -> String? {
        guard let address = interface.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET),
            interface.ifa_flags & UInt32(IFF_LOOPBACK) == 0
        else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
            return nil
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
