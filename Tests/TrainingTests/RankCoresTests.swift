import Testing
import Training

@Suite struct RankCoresTests {
    private static func cores(_ files: [String: String], _ environment: [String: String] = [:]) -> RankCores {
        RankCores(requested: 3, read: { files[$0] }, environment: environment)
    }

    private static let files = [
        "/proc/self/status": "Name:\tdure\nPPid:\t77\nCpus_allowed:\t6\nCpus_allowed_list:\t1-2\n",
        "/proc/77/status": "Name:\torted\nCpus_allowed_list:\t0-7\n",
        "/proc/self/cgroup": "0::/job\n",
        "/proc/self/mountinfo": "31 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/job/cpu.max": "150000 50000\n",
    ]

    @Test func aRankKnowsWhatItIsBoundToAndItsQuota() {
        let cores = Self.cores(Self.files)
        #expect(cores.processors == [1, 2] && cores.quota == 3 && cores.requested == 3)
        #expect(cores.offered == nil && cores.online > 0 && cores.host == Host.name)
    }

    @Test func underOpenMPITheParentKnowsWhatThereIsBesides() {
        #expect(Self.cores(Self.files, ["OMPI_COMM_WORLD_SIZE": "2"]).offered == Set(0...7))
        let alone = Self.files.filter { $0.key != "/proc/77/status" }
        #expect(Self.cores(alone, ["OMPI_COMM_WORLD_SIZE": "2"]).offered == nil)
    }

    @Test func withoutAMaskARankMayRunOnAllThatIsOnline() {
        let cores = Self.cores([:])
        #expect(cores.processors == Set(0..<cores.online) && cores.quota == nil)
    }

    @Test func theProcessMayRunSomewhere() {
        #expect(!RankCores(requested: nil).processors.isEmpty)
        #expect(!Host.name.isEmpty)
    }

    @Test(arguments: [
        RankCores(host: "node1", online: 8, processors: [0, 1, 2, 7]),
        RankCores(host: "", online: 1, processors: [300], offered: [299, 300], quota: 2, requested: 4),
    ])
    func whatARankTellsIsUnderstood(cores: RankCores) { #expect(RankCores(bytes: cores.bytes) == cores) }
}
