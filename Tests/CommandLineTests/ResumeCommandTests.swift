import Testing

@testable import dure

@Suite struct ResumeCommandTests {
    @Test(arguments: [
        (["dure", "train", "--output-dir", "a b"], "dure train --output-dir 'a b' --resume"),
        (["dure", "train", "--resume", "--seed", "1"], "dure train --seed 1 --resume"),
        (["dure", "train", "--resume", "out/x.h5", "--seed=1"], "dure train --seed=1 --resume"),
        (["./dure", "train", "--resume=out/x.h5", "--strict"], "./dure train --strict --resume"),
    ])
    func theSameCommandGoesOnFromTheNewestCheckpoint(arguments: [String], command: String) {
        #expect(ResumeCommand.command(arguments).description == command)
    }
}
