import Distributed
import Testing

/// What can be told without being started by `mpirun`; the rest runs in the tests of the command line.
@Suite struct MPICommunicatorTests {
    @Test("a launcher's environment is recognised")
    func recognisesLaunchers() {
        #expect(!MPICommunicator.isLaunched(environment: ["PATH": "/bin", "OMPI_ALLOW_RUN_AS_ROOT": "1"]))
        for name in ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"] {
            #expect(MPICommunicator.isLaunched(environment: [name: "0"]))
        }
    }

    @Test("the library says what it is, in one line")
    func libraryVersion() {
        #expect(!MPICommunicator.libraryVersion.isEmpty)
        #expect(!MPICommunicator.libraryVersion.contains("\n"))
    }

    @Test("errors name the call, the rank and what to check")
    func errorTexts() {
        let error = DistributedError.mpi(call: "MPI_Allreduce", message: "no route", rank: 3)
        #expect(error.description.contains("MPI_Allreduce") && error.description.contains("rank 3"))
        #expect(error.description.contains("no route") && error.exitCode == 69)
    }
}
