import Kernels
import Synchronization
import Testing

@Suite(.serialized) struct WorkerPoolTests {
    @Test(
        "every task runs once, by a worker that is one thread's alone", arguments: [1, 2, 3, 8],
        [0, 1, 2, 3, 7, 64, 1000])
    func runsEveryTaskOnce(_ threads: Int, count: Int) {
        let pool = WorkerPool(threadCount: threads)
        #expect(pool.threadCount == threads)
        let busy = (0..<threads).map { _ in Flag() }
        let faults = Flag()
        let runs = Memory([Int32](repeating: 0, count: count))
        for _ in 0..<20 {
            pool.run(count) { task, worker in
                guard (0..<count).contains(task), (0..<threads).contains(worker) else {
                    faults.raise()
                    return
                }
                if busy[worker].raise() > 0 { faults.raise() }
                runs.pointer[task] += 1
                busy[worker].lower()
            }
        }
        #expect(faults.value == 0)
        #expect(runs.values().allSatisfy { $0 == 20 })
    }

    @Test("thousands of short runs in a row end, with all that they wrote", arguments: [1, 2, 3, 8])
    func manyRuns(_ threads: Int) {
        let pool = WorkerPool(threadCount: threads)
        let sums = Memory([Int](repeating: 0, count: 5))
        var expected = 0
        for run in 0..<3000 {
            let count = run % 6
            pool.run(count) { task, _ in sums.pointer[task] += run }
            expected += count * run
        }
        #expect(sums.values().reduce(0, +) == expected)
    }

    @Test("a worker that slept wakes for the next run")
    func wakesSleepers() {
        let pool = WorkerPool(threadCount: 3)
        let ran = Flag()
        for _ in 0..<5 {
            pool.run(30) { _, _ in ran.raise() }
            var clock = ContinuousClock.now
            let end = clock + .milliseconds(5)
            while clock < end { clock = .now }
        }
        #expect(ran.value == 150)
    }

    @Test("pools start and stop, used or not", arguments: [1, 2, 8])
    func startAndStop(_ threads: Int) {
        let ran = Flag()
        for index in 0..<50 {
            let pool = WorkerPool(threadCount: threads)
            if index % 2 == 0 { pool.run(10) { _, _ in ran.raise() } }
        }
        #expect(ran.value == 250)
    }
}

/// A number that threads may raise at once.
private final class Flag: Sendable {
    private let number = Atomic<Int>(0)

    var value: Int { number.load(ordering: .sequentiallyConsistent) }

    /// The value before.
    @discardableResult
    func raise() -> Int { number.add(1, ordering: .sequentiallyConsistent).oldValue }

    func lower() { number.subtract(1, ordering: .sequentiallyConsistent) }
}
