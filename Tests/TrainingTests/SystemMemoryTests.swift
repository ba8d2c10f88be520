import Testing
import Training

@Suite struct SystemMemoryTests {
    private static let machine = [
        "/proc/meminfo": "MemTotal:       16000 kB\nMemFree:  100 kB\nMemAvailable:    8000 kB\n",
        "/proc/self/status": "Name:\tdure\nVmSize:\t  300000 kB\nVmData:\t  200000 kB\n",
    ]
    private static let group = [
        "/proc/self/cgroup": "0::/a\n",
        "/proc/self/mountinfo": "31 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/a/memory.max": "5000000\n", "/sys/fs/cgroup/a/memory.current": "1000000\n",
    ]

    private static func memory(
        _ files: [String: String], addressSpace: Int = .max, data: Int = .max
    ) -> SystemMemory {
        SystemMemory(read: { files[$0] }, addressSpace: addressSpace, data: data)
    }

    @Test func theKernelSaysWhatIsAvailable() {
        #expect(
            Self.memory(Self.machine) == SystemMemory(physical: 16000 << 10, available: 8000 << 10))
    }

    @Test func aControlGroupMayAllowLess() {
        let memory = Self.memory(Self.machine.merging(Self.group) { $1 })
        #expect(memory.available == 4_000_000 && memory.physical == 16000 << 10)
    }

    @Test func ranksOfAHostShareWhatIsAvailableButNotTheirOwnLimits() {
        let memory = SystemMemory(physical: 1000, available: 900, ownLimit: 400)
        #expect([1, 2, 3, 0].map(memory.share) == [400, 400, 300, 400])
    }

    @Test func limitsOfTheProcessCountWhatItHasAlready() {
        let taken = 300_000 << 10
        let reserve = 256 << 20
        let memory = Self.memory(Self.machine, addressSpace: taken + reserve + 1000)
        #expect(memory.ownLimit == 1000)
        #expect(Self.memory(Self.machine, addressSpace: taken).ownLimit == 0)
        #expect(Self.memory(Self.machine, addressSpace: 0, data: 0).ownLimit == 0)
        let both = Self.memory(Self.machine, addressSpace: 4 << 30, data: (200_000 << 10) + reserve + 5)
        #expect(both.ownLimit == 5)
    }

    @Test(arguments: ["", "MemAvailable: many kB", "MemAvailable:", "MemAvailable: -5 kB", "\u{0}"])
    func withoutTheKernelsWordItIsAllThereIs(text: String) {
        let memory = Self.memory(["/proc/meminfo": text, "/proc/self/status": text])
        #expect(memory.available == memory.physical && memory.physical > 1 << 20)
        #expect(memory.ownLimit == .max)
    }

    @Test func hugeNumbersDoNotOverflow() {
        let memory = Self.memory(
            [
                "/proc/meminfo": "MemTotal: \(Int.max) kB\nMemAvailable: \(Int.max) kB",
                "/proc/self/status": "VmSize: \(Int.max) kB",
            ], addressSpace: .max - 1)
        #expect(memory.available > 1 << 60 && memory.ownLimit == 0)
    }

    @Test func theMachineHasSomeMemoryLeft() {
        let memory = SystemMemory()
        #expect(memory.share(ranksOnHost: 1) > 1 << 20 && memory.available <= memory.physical)
    }
}
