import Checkpoints
import Model
import Testing

@testable import Training

/// Checks of memory, disk and the output folder; each where it fails and where it does not.
@Suite struct StorageCheckTests {
    private func fileSystem(_ type: String, folder: String = "/") -> FileSystemCheck {
        FileSystemCheck(
            folder: folder,
            mounts: "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n30 27 0:25 / / rw - \(type) x rw\n")
    }

    @Test(arguments: [("tmpfs", "memory"), ("overlay", "container"), ("fuse.sshfs", "FUSE")])
    func fileSystemsThatKeepOrWriteBadly(type: String, word: String) {
        expectFinding(.note, 0, word, type, of: fileSystem(type))
    }

    @Test(arguments: ["ext4", "xfs", "nfs4", "lustre"])
    func fileSystemsThatServe(type: String) { expectWell(fileSystem(type)) }

    @Test func theInnermostMountCounts() throws {
        let temporary = try TemporaryFolder()
        let mounts = """
            27 1 254:0 / / rw - ext4 /dev/vda rw
            28 27 0:25 / \(FileSystemCheck.existing(temporary.path)) rw shared:1 - nfs4 server:/ rw
            damaged
            """
        #expect(FileSystemCheck(folder: temporary.path("new/folder"), mounts: mounts).type == "nfs4")
        #expect(FileSystemCheck(folder: "/", mounts: mounts).type == "ext4")
        #expect(FileSystemCheck(folder: "/", mounts: nil).type == nil)
        expectWell(FileSystemCheck(folder: "/", mounts: nil))
    }

    private func output(
        _ folder: String, locking: OutputFolderCheck.Locking = .works, _ environment: [String: String] = [:]
    ) -> OutputFolderCheck {
        var check = OutputFolderCheck(folder: folder)
        check.environment = environment
        check.locking = { _ in locking }
        return check
    }

    @Test func aFolderThatCanBeWrittenIsLeftAsItWas() throws {
        let temporary = try TemporaryFolder()
        expectWell(OutputFolderCheck(folder: temporary.path).withoutVariables)
        #expect(try temporary.names().isEmpty)
        expectWell(OutputFolderCheck(folder: temporary.path("new/one")).withoutVariables)
        #expect(try temporary.names().isEmpty)
    }

    @Test func aFolderThatCannotBeMade() throws {
        let temporary = try TemporaryFolder()
        try temporary.write("", to: "file")
        expectFinding(.problem, 73, "cannot be created", of: output(temporary.path("file/out")))
    }

    @Test func aDiskThatDoesNotTakeWhatIsWritten() throws {
        let temporary = try TemporaryFolder()
        var check = output(temporary.path)
        check.write = { folder in
            throw CheckpointError(.ioFailed, "cannot write", path: folder.path, remedy: "make room")
        }
        expectFinding(.problem, 74, "cannot write", "make room", of: check)
    }

    @Test func anotherRunInTheFolder() throws {
        let temporary = try TemporaryFolder()
        let lock = try FolderLock(folder: temporary.path)
        expectFinding(.problem, 73, "another run", of: output(temporary.path))
        lock.release()
        expectWell(output(temporary.path))
    }

    @Test func filesThatCannotBeLocked() throws {
        let folder = try TemporaryFolder()
        expectFinding(
            .note, 0, "Function not implemented",
            of: output(folder.path, locking: .refused("Function not implemented")))
        expectFinding(.note, 0, "keeps nobody out", of: output(folder.path, locking: .excludesNobody))
        let forced = ["HDF5_USE_FILE_LOCKING": "TRUE"]
        expectFinding(
            .problem, 64, "HDF5_USE_FILE_LOCKING", of: output(folder.path, locking: .refused("no"), forced))
        expectFinding(.note, 0, "HDF5_USE_FILE_LOCKING=TRUE", of: output(folder.path, forced))
        expectWell(output(folder.path, ["HDF5_USE_FILE_LOCKING": "FALSE"]))
    }

    private func disk(
        free: Int?, parameters: Int? = 1_000_000, isInMemory: Bool = false, memory: Int = 1 << 40
    )
        -> DiskCheck
    {
        DiskCheck(
            folder: "out", parameters: parameters, savedLimit: 3, freeBytes: free, isInMemory: isInMemory,
            availableMemory: memory)
    }

    @Test func aDiskTooSmallForTheCheckpoints() {
        // Five checkpoints of 12 MB, and two of the weights alone.
        #expect(RunExtent(checkpoints: 5).bytes(parameters: 1_000_000) == 68_000_000)
        expectWell(disk(free: 68_000_000))
        expectWell(disk(free: 10, parameters: nil))
        expectFinding(
            .problem, 74, "up to 68.0 MB", "5 checkpoints of 12.0 MB", "--save-total-limit",
            of: disk(free: 67_999_999))
        expectFinding(.problem, 74, of: disk(free: 1 << 40, isInMemory: true, memory: 1 << 20))
        expectFinding(.problem, 74, of: disk(free: 1 << 40, parameters: .max))
        #expect(disk(free: nil).findings().isEmpty)
    }

    @Test func aRunThatLeavesLessNeedsLess() {
        var extent = RunExtent(checkpoints: 0, keepsBest: false, predictions: 1000)
        #expect(extent.bytes(parameters: 1_000_000) == 4_001_000)
        #expect(extent.description(parameters: 1_000_000) == "4.0 MB: final.h5, predictions")
        extent = RunExtent(checkpoints: 2, present: 20_000_000)
        #expect(extent.bytes(parameters: 1_000_000) == 12_000_000)
        #expect(
            extent.description(parameters: 1_000_000)
                == "12.0 MB more: 2 checkpoints of 12.0 MB, best.h5 and final.h5")
        #expect(RunExtent(checkpoints: 1, present: 1 << 40).bytes(parameters: 1) == 0)
    }

    @Test(
        arguments: [
            (0, 0, 5000, nil), (10, 0, 5000, 5240), (10, 8, 5000, 3192), (0, 8, 5000, 3192), (4, 4, 5000, 0),
            (UInt64.max, 0, 0, nil),
        ] as [(UInt64, UInt64, UInt64, Int?)])
    func aQuotaLeavesWhatIsBelowItsLowestLimit(hard: UInt64, soft: UInt64, used: UInt64, free: Int?) {
        #expect(DiskQuota.Limits(hardLimit: hard, softLimit: soft, used: used).freeBytes == free)
    }

    @Test func aFileSystemWithoutQuotasHasNoLimit() throws {
        let temporary = try TemporaryFolder()
        #expect(DiskQuota.freeBytes(of: temporary.path("missing")) == nil)
        #expect(try #require(DiskSpace.freeBytes(of: temporary.path)) > 0)
    }

    private func memory(_ available: Int, ranks: Int = 1, requested: Int? = nil) throws -> MemoryCheck {
        var demand = MemoryDemand(
            try ModelConfiguration(json: SampleModel.configuration(["hidden_size": 64]).utf8),
            for: .training(validates: true), sequenceLength: 64, threads: 1, requestedTokens: requested)
        demand.checkpointSharing = 1
        return MemoryCheck(
            demand: demand, tokens: 2048, memory: SystemMemory(physical: 1 << 40, available: available),
            ranksOnHost: ranks)
    }

    @Test func memoryTooSmallForTheModel() throws {
        expectWell(try memory(1 << 30))
        expectWell(MemoryCheck(demand: nil, memory: SystemMemory(physical: 1, available: 1), ranksOnHost: 1))
        expectFinding(.problem, 64, "not enough memory", of: try memory(1 << 20))
        expectFinding(.problem, 64, "2 ranks", of: try memory(1 << 22, ranks: 2))
    }

    @Test func memoryForSmallerMicroBatchesOnly() throws {
        let demand = try #require(try memory(1).demand)
        let least = demand.estimate(tokens: 512).total
        expectFinding(.note, 0, "512 tokens instead of 2048", of: try memory(least))
        var bare = demand
        bare.checkpointSharing = nil
        let all = bare.estimate(tokens: 256).total
        expectFinding(.note, 0, "256 tokens", of: try memory(all))
        let fixed = try #require(try memory(1, requested: 512).demand)
        var withoutCopy = fixed
        withoutCopy.checkpointSharing = nil
        expectFinding(
            .note, 0, "no memory for a copy",
            of: try memory(withoutCopy.estimate(tokens: 512).total, requested: 512))
    }
}

extension OutputFolderCheck {
    /// With the locks of the system, whatever the shell sets.
    fileprivate var withoutVariables: OutputFolderCheck {
        var check = self
        check.environment = [:]
        return check
    }
}
