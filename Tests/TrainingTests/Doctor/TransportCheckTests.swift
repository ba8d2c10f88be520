import Testing

@testable import Training

/// Checks of MPI and of what ranks have in common; each where it fails and where it does not.
@Suite struct TransportCheckTests {
    @Test func aLauncherOfAnotherVersion() {
        let library = "Open MPI v4.1.4"
        expectWell(
            MPICheck(library: library, launcher: "mpirun (Open MPI) 4.1.6\n\nReport…", isLaunched: false))
        expectWell(MPICheck(library: library, launcher: nil, isLaunched: true))
        expectFinding(
            .problem, 64, "mpirun (Open MPI) 5.0.1 against Open MPI v4.1.4", "PATH",
            of: MPICheck(library: library, launcher: "mpirun (Open MPI) 5.0.1\n", isLaunched: false))
        expectFinding(.note, 0, "no mpirun", of: MPICheck(library: library, launcher: nil, isLaunched: false))
    }

    @Test func anotherMPI() {
        expectFinding(
            .note, 0, "MPICH", of: MPICheck(library: "MPICH Version: 4.0.2", launcher: nil, isLaunched: true))
        expectFinding(
            .note, 0, "old", of: MPICheck(library: "Open MPI v3.1.0", launcher: nil, isLaunched: true))
        #expect(MPICheck.version("mpirun (Open MPI) 5.0.0rc9") == [5, 0, 0])
        #expect(MPICheck.version("no number") == nil)
    }

    private func transport(
        hosts: Int = 1, ranksOnHost: Int = 2, _ settings: [String: String] = [:], scope: String? = "0\n",
        readsMemory: Bool = true, networks: [String] = ["eth0"]
    ) -> TransportCheck {
        TransportCheck(
            hosts: hosts, ranksOnHost: ranksOnHost,
            environment: Dictionary(uniqueKeysWithValues: settings.map { ("OMPI_MCA_\($0)", $1) }),
            ptraceScope: scope, readsMemory: readsMemory, networks: networks)
    }

    @Test func transportsThatAreLeftOut() {
        expectWell(transport())
        expectWell(transport(["btl": "self,vader"]))
        expectWell(transport(["btl": "^openib"]))
        expectWell(transport(hosts: 2, ["btl": "self", "pml": "ucx"]))
        expectFinding(.problem, 64, "OMPI_MCA_btl=vader,tcp", "add self", of: transport(["btl": "vader,tcp"]))
        expectFinding(
            .problem, 64, "between hosts", "add tcp", of: transport(hosts: 2, ["btl": "self,vader"]))
        expectFinding(.note, 0, "instead of memory", of: transport(["btl": "self,tcp"]))
    }

    @Test func memoryThatRanksMayNotReadFromEachOther() {
        expectWell(transport(scope: nil))
        expectFinding(.note, 0, "ptrace_scope is 1", of: transport(scope: "1\n"))
        expectFinding(.note, 0, "process_vm_readv", "SYS_PTRACE", of: transport(readsMemory: false))
        expectFinding(
            .note, 0, "single_copy_mechanism=none", of: transport(["btl_vader_single_copy_mechanism": "none"])
        )
    }

    @Test func severalNetworksBetweenHosts() {
        let networks = ["eth0", "ib0"]
        expectWell(transport(hosts: 1, networks: networks))
        expectWell(transport(hosts: 2, ["btl_tcp_if_include": "ib0"], networks: networks))
        expectFinding(
            .note, 0, "eth0, ib0", "btl_tcp_if_include", "DURE_INTERFACE",
            of: transport(hosts: 2, networks: networks))
        #expect(TransportCheck.isVirtual("docker0") && !TransportCheck.isVirtual("enp3s0"))
    }

    @Test func sharedMemoryTooSmallForAModel() {
        func memory(_ free: Int?, parameters: Int? = 1000, ranks: Int = 2, isLaunched: Bool = true)
            -> SharedMemoryCheck
        {
            SharedMemoryCheck(
                parameters: parameters, ranksOnHost: ranks, isLaunched: isLaunched, freeBytes: free)
        }
        expectWell(memory(64 << 20))
        expectWell(memory(1, ranks: 1))
        expectFinding(.note, 0, "/dev/shm", "--shm-size", of: memory(64 << 20, parameters: 100_000_000))
        // Alone, two ranks are reckoned with.
        expectFinding(.note, 0, "/dev/shm", of: memory(1, ranks: 1, isLaunched: false))
        expectFinding(.note, 0, "no memory", of: memory(nil))
        expectFinding(.note, 0, "/dev/shm", of: memory(1 << 40, parameters: .max))
    }

    @Test func hostsThatDiffer() {
        func item(_ values: String..., isRequired: Bool, exitCode: Int32 = 69) -> RankAgreementCheck {
            RankAgreementCheck(items: [
                RankAgreementCheck.Item(
                    name: "the version", values: values.enumerated().map { ("node\($0)", $1) },
                    isRequired: isRequired, exitCode: exitCode)
            ])
        }
        expectWell(item("1", "1", isRequired: true))
        expectFinding(
            .problem, 69, "the version is not the same", "host node0, node2: 1", "host node1: 2",
            of: item("1", "2", "1", isRequired: true))
        expectFinding(
            .problem, 66, "host node1: missing", of: item("1", "missing", isRequired: true, exitCode: 66))
        expectFinding(.note, 0, "last bits", of: item("1", "2", isRequired: false))
    }

    @Test func ranksThatDoNotReachEachOther() {
        func network(sum: Double = 6, seconds: Double = 0.01, clocks: Double = 0) -> NetworkCheck {
            NetworkCheck(ranks: 3, sum: sum, seconds: seconds, clockSpread: clocks)
        }
        expectWell(network())
        expectFinding(.problem, 69, "instead of 6", of: network(sum: 3))
        expectFinding(.note, 0, "took 4.2 s", "btl_tcp_if_include", of: network(seconds: 4.2))
        expectFinding(.note, 0, "differ by 60 s", "NTP", of: network(clocks: 60))
    }
}
