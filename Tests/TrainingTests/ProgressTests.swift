import Testing
import Training

@Suite struct ProgressTests {
    private static func printed(
        interval: Int, isTerminal: Bool, _ events: [TrainingEvent]
    ) -> [String] {
        var printed: [String] = []
        let progress = Progress(interval: interval, isTerminal: isTerminal) { printed.append($0) }
        for event in events { progress.observe(event) }
        return printed
    }

    private static func report(_ step: Int, seconds: Double = 2) -> StepReport {
        StepReport(
            step: step, epoch: Double(step) / 5,
            loss: StepLoss(loss: Double(step), correctStarts: 1, correctEnds: 2, features: 4, tokens: 40),
            learningRate: 0.1, gradientNorm: 1, seconds: seconds, computeSeconds: 1,
            communicationSeconds: 1)
    }

    private static let start = TrainingEvent.started(totalSteps: 5, stepsPerEpoch: 5, features: 20)

    @Test func plainLinesCoverTheStepsSinceTheLast() {
        let lines = Self.printed(
            interval: 2, isTerminal: false,
            [Self.start] + (1...5).map { .stepped(Self.report($0)) }
                + [.evaluationStarted(step: 5), .evaluated(step: 5, epoch: 1, .untrained)]
                + [.saved(SavedCheckpoint(step: 5, path: "checkpoints/x.h5")), .finished(step: 5)])
        #expect(
            lines == [
                "training on 20 features, 5 steps an epoch, 5 steps\n",
                "step 2/5 · loss 1.5000 · start 25.0 % end 50.0 % · 2.00 samples/s · 0:00:06 left\n",
                "step 4/5 · loss 3.5000 · start 25.0 % end 50.0 % · 2.00 samples/s · 0:00:02 left\n",
                "step 5/5 · loss 5.0000 · start 25.0 % end 50.0 % · 2.00 samples/s · 0:00:00 left\n",
                "evaluation at step 5 · loss 5.0000 · exact match 0.00 · F1 0.00 · "
                    + "KorQuAD exact match 0.00 · F1 0.00\n",
                "saved step 5: checkpoints/x.h5\n",
            ])
    }

    @Test(arguments: [
        (1.0, "0:00:04"), (0.1, "0:00:01"), (14.75, "0:00:59"), (14.9, "0:01:00"), (900.25, "1:00:01"),
        (90000, "100:00:00"),
    ])
    func timeLeftIsInHoursMinutesAndSeconds(stepSeconds: Double, clock: String) {
        let lines = Self.printed(
            interval: 1, isTerminal: false, [Self.start, .stepped(Self.report(1, seconds: stepSeconds))])
        #expect(lines.last?.hasSuffix(" · \(clock) left\n") == true)
    }

    @Test func aTerminalsLineIsDrawnOverItself() {
        let drawn = Self.printed(
            interval: 1, isTerminal: true,
            [
                Self.start, .stepped(Self.report(1)), .stepped(Self.report(2)),
                .saved(SavedCheckpoint(step: 2, path: "x")),
            ])
        let clear = "\r\u{1B}[K"
        #expect(drawn.count == 5)
        #expect(drawn[1].hasPrefix(clear + "████░░░░░░░░░░░░░░░░ step 1/5"))
        #expect(drawn[2].hasPrefix(clear + "████████░░░░░░░░░░░░ step 2/5"))
        #expect(drawn[1...2].allSatisfy { !$0.contains("\n") })
        #expect(drawn[3] == clear && drawn[4] == "saved step 2: x\n")
    }
}
