import Foundation

/// How messages between ranks travel: what Open MPI is told to use, whether ranks of a host may copy from each other's
/// memory, and which network joins the hosts.
package struct TransportCheck: DoctorCheck {
    let hosts: Int
    let ranksOnHost: Int
    var environment = ProcessInfo.processInfo.environment
    /// Of `/proc/sys/kernel/yama/ptrace_scope`.
    var ptraceScope = contentsOfSystemFile("/proc/sys/kernel/yama/ptrace_scope")
    /// Whether the kernel lets this process read a process's memory, as far as that can be tried on itself.
    var readsMemory = TransportCheck.canReadMemory()
    /// Networks that join this host to others, by the names of their interfaces.
    var networks = TransportCheck.systemNetworks()

    package func findings() -> [Finding] {
        let troubles = [transports, singleCopy, ambiguity].compactMap(\.self)
        guard troubles.isEmpty else { return troubles }
        let between = networks.isEmpty ? "no network to other hosts" : networks.joined(separator: ", ")
        return [
            .ok(
                .mpi,
                hosts > 1
                    ? "messages between hosts go over \(setting("btl_tcp_if_include") ?? between), within a "
                        + "host through memory"
                    : "messages within the host go through memory; to other hosts: \(between)")
        ]
    }

    /// A parameter of Open MPI as the environment sets it, where mpirun's `--mca` puts it too.
    private func setting(_ name: String) -> String? { environment["OMPI_MCA_\(name)"] }

    /// The list of transports may leave out one that is needed.
    private var transports: Finding? {
        guard let list = setting("btl"), !list.hasPrefix("^") else { return nil }
        let names = Set(list.split(separator: ",").map(String.init))
        let place = "OMPI_MCA_btl=\(list)"
        guard names.contains("self") else {
            return .problem(
                .mpi, "Open MPI is left without the transport from a rank to itself", at: place,
                remedy: "add self to the list of --mca btl")
        }
        let usesOther = ["ucx", "cm"].contains(setting("pml") ?? "")
        if hosts > 1, !usesOther, names.isDisjoint(with: ["tcp", "openib", "ofi", "uct", "usnic"]) {
            return .problem(
                .mpi, "Open MPI is left without a transport between hosts", at: place,
                remedy: "add tcp to the list of --mca btl")
        }
        if ranksOnHost > 1, !usesOther, names.isDisjoint(with: ["vader", "sm"]) {
            return .note(
                .mpi, "ranks of a host send messages over the network's interface instead of memory",
                at: place,
                remedy: "add vader (Open MPI 4) or sm (5) to the list of --mca btl")
        }
        return nil
    }

    /// Without it a message between ranks of a host is copied twice.
    private var singleCopy: Finding? {
        let what = "ranks of a host cannot copy from each other's memory, messages are copied twice"
        for name in ["btl_vader_single_copy_mechanism", "btl_sm_single_copy_mechanism"]
        where setting(name) == "none" {
            return .note(.mpi, what, at: "OMPI_MCA_\(name)=none", remedy: "leave the parameter out")
        }
        if let scope = ptraceScope.flatMap({ Int($0.filter(\.isNumber)) }), scope > 0 {
            return .note(
                .mpi, what, at: "/proc/sys/kernel/yama/ptrace_scope is \(scope)",
                remedy:
                    "let an administrator set kernel.yama.ptrace_scope=0; with the shared memory that ranks use "
                    + "by default it hardly matters")
        }
        guard readsMemory else {
            return .note(
                .mpi, what, at: "process_vm_readv is refused",
                remedy:
                    "start the container with --cap-add SYS_PTRACE; with the shared memory that ranks use by "
                    + "default it hardly matters")
        }
        return nil
    }

    /// Open MPI uses all networks at once, also one that only seems to lead to the other host.
    private var ambiguity: Finding? {
        guard hosts > 1, networks.count > 1,
            ["btl_tcp_if_include", "btl_tcp_if_exclude"].allSatisfy({ setting($0) == nil })
        else { return nil }
        return .note(
            .mpi,
            "there are several networks, \(networks.joined(separator: ", ")), all of which Open MPI tries",
            at: "btl_tcp_if_include",
            remedy: "name the fast one: DURE_INTERFACE=\(networks[0]) launch/cluster …, or mpirun --mca "
                + "btl_tcp_if_include \(networks[0])")
    }
}

extension TransportCheck {
    /// Tries it on a few bytes of this process.
    static func canReadMemory() -> Bool {
        typealias Call =
            @convention(c) (
                pid_t, UnsafePointer<iovec>?, UInt, UnsafePointer<iovec>?, UInt, UInt
            ) -> Int
        // Behind a macro that Swift's Glibc does not set.
        guard let symbol = dlsym(nil, "process_vm_readv") else { return false }
        let call = unsafeBitCast(symbol, to: Call.self)
        var source: UInt64 = 0x6475_7265
        var target: UInt64 = 0
        let size = MemoryLayout<UInt64>.size
        let count = withUnsafeMutableBytes(of: &source) { source in
            withUnsafeMutableBytes(of: &target) { target in
                var (from, to) = (
                    iovec(iov_base: source.baseAddress, iov_len: size),
                    iovec(iov_base: target.baseAddress, iov_len: size)
                )
                return call(getpid(), &to, 1, &from, 1, 0)
            }
        }
        return count == size && target == source
    }

    /// Interfaces with an address of which the kernel says that they are up, but for the loopback and those of
    /// containers and virtual machines.
    static func systemNetworks() -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var names: [String] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            let (flags, name) = (Int32(entry.pointee.ifa_flags), String(cString: entry.pointee.ifa_name))
            let family = entry.pointee.ifa_addr.map { Int32($0.pointee.sa_family) }
            guard family == AF_INET || family == AF_INET6, flags & Int32(IFF_UP) != 0,
                flags & Int32(IFF_LOOPBACK) == 0, !isVirtual(name), !names.contains(name)
            else { continue }
            names.append(name)
        }
        return names
    }

    static func isVirtual(_ name: String) -> Bool {
        ["docker", "veth", "br-", "virbr", "cni", "flannel", "cali", "lxc", "lxd", "podman", "tun", "tap"]
            .contains { name.hasPrefix($0) }
    }
}
