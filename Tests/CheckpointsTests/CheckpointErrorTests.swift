import Testing

@testable import Checkpoints

struct CheckpointErrorTests {
    @Test func readsAsWhatWhereAndWhatToDo() {
        let error = CheckpointError(
            .badData, "is damaged", path: "a.h5", item: "/model/x", remedy: "copy it again")
        #expect("\(error)" == "is damaged (a.h5, /model/x): copy it again")
        #expect(error.location == "a.h5, /model/x")
    }

    @Test func aFullDiskIsAFailureToWriteEvenWhenTheFileIsCreated() {
        for created in [true, false] {
            let error = CheckpointError.cannotWrite("a", "write", errno: 28, created: created)
            #expect(error.category == .ioFailed)
            #expect(error.what == "cannot write, No space left on device")
        }
        #expect(
            CheckpointError.cannotWrite("a", "be created", errno: 13, created: false).category
                == .cannotCreate)
    }
}
