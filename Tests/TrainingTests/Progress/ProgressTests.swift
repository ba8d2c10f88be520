import TestSupport
import Testing
import Training

@Suite struct ProgressTests {
    private static let start = TrainingEvent.started(totalSteps: 5, stepsPerEpoch: 5, features: 20)

    /// What plain lines say of `events`, two seconds apart.
    private static func plain(
        interval: Int, _ plan: TrainingPlan, _ events: [TrainingEvent]
    ) -> [String] {
        let terminal = FakeTerminal()
        let progress = Progress(
            plan: plan, interval: interval, line: terminal.line(on: .none), now: terminal.now)
        for event in events {
            progress.observe(event)
            terminal.pass(2)
        }
        return terminal.written
    }

    @Test func plainLinesCoverTheStepsSinceTheLast() {
        let steps: [TrainingEvent] = (1...5).map { .stepped(.scripted($0)) }
        let end: [TrainingEvent] = [
            .evaluationStarted(step: 5), .evaluated(step: 5, epoch: 1, .untrained), .savingStarted(step: 5),
            .saved(SavedCheckpoint(step: 5, path: "checkpoints/x.h5")), .finished(step: 5),
        ]
        let lines = Self.plain(interval: 2, .scripted(5), [Self.start] + steps + end)
        let right = "start 25.0 % end 50.0 % · learning rate 1.00e-01 · 2.00 samples/s"
        #expect(
            lines == [
                "training on 20 features, 5 steps an epoch, 5 steps\n",
                "step 2/5 · epoch 0.40 · loss 1.5000 · \(right) · 0:00:06 left\n",
                "step 4/5 · epoch 0.80 · loss 3.5000 · \(right) · 0:00:02 left\n",
                "step 5/5 · epoch 1.00 · loss 5.0000 · \(right) · 0:00:00 left\n",
                "evaluating after step 5\n",
                "evaluation at step 5 · loss 5.0000 · exact match 0.00 · F1 0.00 · "
                    + "KorQuAD exact match 0.00 · F1 0.00 · in 0:00:02\n",
                "saved step 5: checkpoints/x.h5\n",
                "5 steps in 0:00:20\n",
            ])
    }

    @Test func anEvaluationSaysWhetherItIsTheBest() {
        let best = BestEvaluation(value: 70, step: 2)
        let lines = Self.plain(
            interval: 1, .scripted(5),
            [true, false].map { isBest in
                .evaluated(
                    step: 4, epoch: 1, .untrained,
                    standing: EvaluationStanding(metric: .korquadF1, best: best, isBest: isBest))
            })
        #expect(lines[0].hasSuffix(" · F1 0.00 · the best so far by korquad_f1\n"))
        #expect(lines[1].hasSuffix(" · F1 0.00 · not the best: korquad_f1 70.00 after step 2\n"))
    }

    @Test(arguments: [
        (1.0, "0:00:04"), (0.1, "0:00:01"), (14.75, "0:00:59"), (14.9, "0:01:00"), (900.25, "1:00:01"),
        (90000, "100:00:00"),
    ])
    func timeLeftIsInHoursMinutesAndSeconds(stepSeconds: Double, clock: String) {
        let terminal = FakeTerminal()
        let progress = Progress(
            plan: .scripted(5), interval: 1, line: terminal.line(on: .none), now: terminal.now)
        progress.observe(Self.start)
        terminal.pass(stepSeconds)
        progress.observe(.stepped(.scripted(1, seconds: stepSeconds)))
        #expect(terminal.written.last?.hasSuffix(" · \(clock) left\n") == true)
    }

    @Test func theTimeOfEvaluationsIsNotKnownBeforeTheFirst() {
        let lines = Self.plain(
            interval: 1, .scripted(5, evaluation: .steps(2)),
            [
                Self.start, .stepped(.scripted(1)), .stepped(.scripted(2)), .evaluationStarted(step: 2),
                .evaluated(step: 2, epoch: 0.4, .untrained), .stepped(.scripted(3)),
            ])
        let steps = lines.filter { $0.hasPrefix("step ") }
        #expect(steps.map { $0.hasSuffix("+ left\n") } == [true, true, false], "\(lines)")
    }

    @Test func aTerminalsLineIsDrawnOverItself() throws {
        let terminal = FakeTerminal(columns: 140)
        let progress = Progress(plan: .scripted(5), interval: 1, line: terminal.line, now: terminal.now)
        progress.observe(Self.start)
        #expect(terminal.drawn.last?.hasPrefix("▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  epoch 0.00/1  step 0/5") == true)
        for step in 1...2 {
            terminal.pass(2)
            progress.observe(.stepped(.scripted(step)))
        }
        #expect(
            terminal.drawn.last
                == "▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱  epoch 0.40/1  step 2/5  loss 1.5000  start/end 25.0/50.0 %  "
                + "lr 1.00e-01  2.00 samples/s  0:00:06 left")
        progress.observe(.saved(SavedCheckpoint(step: 2, path: "x")))
        #expect(
            terminal.screen.lines.dropLast() == [
                "training on 20 features, 5 steps an epoch, 5 steps", "saved step 2: x",
            ])
        progress.observe(.finished(step: 2))
        #expect(terminal.screen.lines.last == "2 steps in 0:00:04")
        #expect(terminal.screen.unknown.isEmpty)
    }

    @Test func evaluationAndSavingStandInTheLine() {
        let terminal = FakeTerminal(columns: 140)
        let progress = Progress(plan: .scripted(5), interval: 1, line: terminal.line, now: terminal.now)
        progress.observe(Self.start)
        progress.observe(.evaluationStarted(step: 0))
        terminal.pass(65)
        progress.evaluated(share: 0.456)
        #expect(terminal.drawn.last?.contains("step 0/5  evaluating 45 % 0:01:05") == true)
        terminal.pass(1)
        progress.evaluated(share: 0.3)
        #expect(terminal.drawn.last?.contains("evaluating 45 %") == true, "threads may come late")
        progress.observe(.evaluated(step: 0, epoch: 0, .untrained))
        progress.observe(.savingStarted(step: 3))
        terminal.pass(1)
        progress.draw()
        #expect(terminal.drawn.last?.contains("saving step 3") == true)
        #expect(terminal.drawn.last?.contains("evaluating") == false)
        progress.observe(.saved(SavedCheckpoint(step: 3, path: "x")))
        terminal.pass(1)
        progress.draw()
        #expect(terminal.drawn.last?.contains("saving") == false)
        progress.observe(.finished(step: 0))
    }

    @Test func aRunThatGoesOnCountsItsOwnSteps() {
        let lines = Self.plain(
            interval: 1, .scripted(100, stepsPerEpoch: 10),
            [
                .started(totalSteps: 100, stepsPerEpoch: 10, features: 20),
                .resumed(ResumedPoint(step: 90, epoch: 9, path: "p", ranks: 1)),
                .stepped(.scripted(91, stepsPerEpoch: 10)), .finished(step: 91),
            ])
        #expect(lines[1] == "going on after step 90, from p\n")
        // Waiting between is counted too: two seconds of steps, and two more before the first.
        #expect(lines[2].hasPrefix("step 91/100 · epoch 9.10 · ") && lines[2].hasSuffix(" · 0:00:36 left\n"))
        #expect(lines[3] == "1 step in 0:00:06\n")
    }

    @Test func theTimeLeftDoesNotJump() {
        let terminal = FakeTerminal(columns: 140)
        let progress = Progress(plan: .scripted(1000), interval: 10, line: terminal.line, now: terminal.now)
        progress.observe(.started(totalSteps: 1000, stepsPerEpoch: 5, features: 20))
        var ends: [Double] = []
        for step in 1...600 {
            // Steps of one to three seconds, in an order without rhyme.
            let seconds = 1 + Double(step * 7919 % 101) / 50
            terminal.pass(seconds)
            progress.observe(.stepped(.scripted(step, seconds: seconds)))
            guard step > 100, let left = terminal.drawn.last.flatMap(Self.secondsLeft) else { continue }
            ends.append(terminal.now() + left)
        }
        let jumps = zip(ends, ends.dropFirst()).map { abs($1 - $0) }
        #expect(ends.count == 500 && (jumps.max() ?? 0) < 10)
        #expect(ends.allSatisfy { abs($0 - 2100) < 210 })
        progress.observe(.finished(step: 600))
    }

    private static func secondsLeft(_ line: String) -> Double? {
        guard let match = line.firstMatch(of: /(\d+):(\d\d):(\d\d) left/),
            let hours = Double(match.1), let minutes = Double(match.2), let seconds = Double(match.3)
        else { return nil }
        return (hours * 60 + minutes) * 60 + seconds
    }

    /// A run with everything that happens in one, in a window that changes.
    @Test(arguments: [20, 21, 33, 40, 57, 79, 80, 81, 119, 120, 131, 160, 200])
    func noLineIsWiderThanTheWindowAndEveryMessageStandsWhole(columns: Int) {
        let terminal = FakeTerminal(columns: columns)
        let line = terminal.line
        let progress = Progress(
            plan: .scripted(30000, stepsPerEpoch: 9000, evaluation: .steps(10)), interval: 10, line: line,
            now: terminal.now)
        var messages: [String] = []
        func tell(_ text: String) {
            messages.append(text)
            line.message(text)
        }
        progress.observe(.resumed(ResumedPoint(step: 12000, epoch: 1.5, path: "p", ranks: 2)))
        for step in 12001...12060 {
            terminal.pass(0.07 * Double(step % 5))
            progress.observe(.stepped(.scripted(step, stepsPerEpoch: 9000, seconds: 0.07)))
            if step % 10 == 0 {
                progress.observe(.savingStarted(step: step))
                progress.observe(.evaluationStarted(step: step))
                for part in 0...10 {
                    terminal.pass(0.06)
                    progress.evaluated(share: Double(part) / 10)
                }
                progress.observe(.evaluated(step: step, epoch: 1, .untrained))
            }
            if step % 7 == 0 { tell("두레 \(step)") }
            if step % 15 == 0 { progress.observe(.saved(SavedCheckpoint(step: step, path: "x"))) }
        }
        let drawn = terminal.drawn
        #expect(drawn.count > 50)
        for text in drawn {
            #expect(DisplayWidth.columns(text) < columns)
            #expect(text.contains("/30000"), "the step stays where nothing else does")
        }
        let screen = terminal.screen
        #expect(messages.allSatisfy(screen.lines.contains))
        #expect(screen.lines.count { $0.contains("/30000") } == 1 && screen.unknown.isEmpty)
        progress.observe(.finished(step: 12060))
        #expect(!terminal.screen.lines.contains { $0.contains("/30000") })
    }

    @Test func aTaskTellsHowMuchOfItIsDone() {
        let terminal = FakeTerminal(columns: 100)
        let task = TaskProgress(
            "answering", total: 200, unit: "windows", line: terminal.line, now: terminal.now)
        #expect(terminal.drawn.last == "▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  answering  0 %  0/200 windows")
        terminal.pass(10)
        task.update(share: 0.25)
        #expect(
            terminal.drawn.last == "▰▰▰▰▰▱▱▱▱▱▱▱▱▱▱▱▱▱▱▱  answering  25 %  50/200 windows  0:00:30 left")
        task.end()
        task.update(share: 0.5)
        #expect(terminal.screen.lines.isEmpty)
    }
}
