import Testing
import Training

@Suite struct ControlGroupsTests {
    /// A machine that has only these files.
    private static func groups(_ files: [String: String]) -> ControlGroups { ControlGroups { files[$0] } }

    private static let mounts = """
        22 28 0:21 / /proc rw,nosuid shared:14 - proc proc rw
        bad line
        """

    /// Version 2 alone, as on current distributions.
    private static func unified(
        group: String, root: String = "/", _ files: [String: String]
    ) -> ControlGroups {
        let own = [
            "/proc/self/cgroup": "0::\(group)\n",
            "/proc/self/mountinfo":
                "\(mounts)\n31 22 0:26 \(root) /sys/fs/cgroup rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate\n",
        ]
        return groups(own.merging(files) { $1 })
    }

    /// Version 1 with a hierarchy for each controller, and an empty one of version 2 beside them.
    private static func separate(
        group: String, root: String = "/", _ files: [String: String]
    ) -> ControlGroups {
        let own = [
            "/proc/self/cgroup":
                "9:name=systemd:/\n4:memory:\(group)\n2:cpu,cpuacct:\(group)\n3:cpuset:/elsewhere\n0::/\n",
            "/proc/self/mountinfo": """
            \(mounts)
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            32 31 0:29 \(root) /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
            33 31 0:31 \(root) /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
            34 31 0:32 \(root) /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            35 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            """,
        ]
        return groups(own.merging(files) { $1 })
    }

    @Test func theTightestOfNestedGroupsHolds() {
        let groups = Self.unified(
            group: "/job.slice/step.scope",
            [
                "/sys/fs/cgroup/job.slice/cpu.max": "150000 50000\n",
                "/sys/fs/cgroup/job.slice/memory.max": "4000\n",
                "/sys/fs/cgroup/job.slice/memory.current": "1000\n",
                "/sys/fs/cgroup/job.slice/step.scope/cpu.max": "400000 100000\n",
                "/sys/fs/cgroup/job.slice/step.scope/memory.max": "8000\n",
                "/sys/fs/cgroup/job.slice/step.scope/memory.current": "600\n",
            ])
        #expect(groups.cores == 3)
        #expect(groups.availableMemory == 3000)
    }

    @Test func whatTheKernelGivesBackCountsAsFree() {
        let files = [
            "/sys/fs/cgroup/a/memory.max": "4000", "/sys/fs/cgroup/a/memory.current": "3000",
            "/sys/fs/cgroup/a/memory.stat":
                "anon 500\nfile 2400\nactive_file 1200\ninactive_file 800\nslab_reclaimable 100\nodd\n",
        ]
        #expect(Self.unified(group: "/a", files).availableMemory == 3100)
    }

    @Test func aFullGroupLeavesNothing() {
        let files = ["/sys/fs/cgroup/a/memory.max": "4000", "/sys/fs/cgroup/a/memory.current": "4100"]
        #expect(Self.unified(group: "/a", files).availableMemory == 0)
    }

    @Test func firstVersionsHierarchiesAreReadEachByItself() {
        let groups = Self.separate(
            group: "/job/step",
            [
                "/sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_quota_us": "250000\n",
                "/sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                "/sys/fs/cgroup/memory/job/step/memory.limit_in_bytes": "9223372036854771712\n",
                "/sys/fs/cgroup/memory/job/step/memory.usage_in_bytes": "700\n",
                "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "5000\n",
                "/sys/fs/cgroup/memory/job/memory.usage_in_bytes": "2000\n",
                "/sys/fs/cgroup/memory/job/memory.stat": """
                active_file 1
                inactive_file 2
                total_active_file 300
                total_inactive_file 700
                """,
            ])
        #expect(groups.cores == 2)
        #expect(groups.availableMemory == 4000)
    }

    @Test(arguments: ["/docker/abc", "/"])
    func aContainerSeesOnlyItsOwnGroup(root: String) {
        let second = Self.unified(
            group: root, root: root,
            [
                "/sys/fs/cgroup/cpu.max": "50000 100000", "/sys/fs/cgroup/memory.max": "1000",
                "/sys/fs/cgroup/memory.current": "200",
            ])
        #expect(second.cores == 1)
        #expect(second.availableMemory == 800)
        let first = Self.separate(
            group: root, root: root,
            [
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "1000",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": "300",
            ])
        #expect(first.cores == nil)
        #expect(first.availableMemory == 700)
    }

    @Test func aGroupInsideAContainersIsFoundUnderItsRoot() {
        let files = [
            "/sys/fs/cgroup/inner/cpu.max": "200000 100000", "/sys/fs/cgroup/inner/memory.max": "max",
            "/sys/fs/cgroup/inner/memory.current": "5", "/sys/fs/cgroup/cpu.max": "max 100000",
        ]
        #expect(Self.unified(group: "/docker/abc/inner", root: "/docker/abc", files).cores == 2)
        // The beginning of a name is another group.
        let other = Self.unified(
            group: "/docker/abcdef", root: "/docker/abc", ["/sys/fs/cgroup/def/cpu.max": "100000 100000"])
        #expect(other.cores == nil)
    }

    @Test(arguments: ["/../../else", "/else/..", "/not/under/the/root"])
    func aGroupThatCannotBeSeenLeavesTheMountPoint(group: String) {
        let files = ["/sys/fs/cgroup/cpu.max": "300000 100000", "/sys/fs/cgroup/else/cpu.max": "1 1"]
        #expect(Self.unified(group: group, root: "/docker", files).cores == 3)
    }

    @Test func withoutLimitsThereAreNone() {
        let unlimited = Self.unified(
            group: "/a",
            [
                "/sys/fs/cgroup/a/cpu.max": "max 100000\n", "/sys/fs/cgroup/a/memory.max": "max\n",
                "/sys/fs/cgroup/a/memory.current": "123\n",
            ])
        #expect(unlimited.cores == nil && unlimited.availableMemory == nil)
        #expect(Self.groups([:]).cores == nil && Self.groups([:]).availableMemory == nil)
    }

    @Test(arguments: [
        "", "max", "-1", "0 0", "-1 100000", "x y", "1 2 3", "nan 1", "1 nan", "99999999999999999999",
        "\u{0}",
    ])
    func whatIsNoLimitIsNone(text: String) {
        let names = [
            "cpu.max", "memory.max", "memory.current", "memory.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us",
            "memory.limit_in_bytes", "memory.usage_in_bytes",
        ]
        let files = Dictionary(uniqueKeysWithValues: names.map { ("/sys/fs/cgroup/a/\($0)", text) })
        let groups = Self.unified(group: "/a", files)
        #expect(groups.cores == nil && groups.availableMemory == nil)
        let system = ["/proc/self/cgroup": text, "/proc/self/mountinfo": text]
        #expect(Self.groups(system).cores == nil && Self.groups(system).availableMemory == nil)
    }

    @Test func hugeNumbersDoNotOverflow() {
        let most = "\(Int.max)"
        let groups = Self.unified(
            group: "/a",
            [
                "/sys/fs/cgroup/a/cpu.max": "1e300 1e-300", "/sys/fs/cgroup/a/memory.max": most,
                "/sys/fs/cgroup/a/memory.current": most,
                "/sys/fs/cgroup/a/memory.stat":
                    "active_file \(most)\ninactive_file \(most)\nslab_reclaimable \(Int.min)",
            ])
        #expect(groups.cores == 65536)
        #expect(groups.availableMemory == Int.max)
    }

    @Test func theMachineItselfCanBeAsked() {
        #expect(ControlGroups().cores ?? 1 >= 1)
        #expect(ControlGroups().availableMemory ?? 0 >= 0)
        #expect(contentsOfSystemFile("/proc/self/status")?.contains("VmSize") == true)
        #expect(contentsOfSystemFile("/nowhere/at/all") == nil)
    }
}
