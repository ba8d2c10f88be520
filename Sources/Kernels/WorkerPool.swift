import Glibc
import Synchronization

/// The compute threads of a rank. `run` shares out numbered tasks; which thread takes a task never changes a
/// result, because callers cut work by shape alone and every task writes its own part.
package final class WorkerPool: @unchecked Sendable {
    package let threadCount: Int
    /// How many parts a large matrix product is cut into.
    package let productParts: Int
    /// Who computes its products of single precision.
    package let library: ProductLibrary
    private let state: State
    private var threads: [pthread_t] = []

    /// A pool of `threadCount` threads, the caller's among them. Fewer start if the system refuses more.
    ///
    /// - productParts: the same number on pools of different threads makes products of the same bits; otherwise
    ///   one for each thread, which is the fastest.
    package init(threadCount: Int, productParts: Int? = nil, library: ProductLibrary = .openBLAS) {
        precondition(threadCount > 0)
        self.library = library.isBuiltIn ? library : .openBLAS
        state = State()
        for worker in 1..<max(threadCount, 1) {
            var thread = pthread_t()
            let start = Unmanaged.passRetained(Start(state: state, worker: worker))
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    start.state.work(as: start.worker)
                    return nil
                }, start.toOpaque())
            guard code == 0 else {
                start.release()
                break
            }
            threads.append(thread)
        }
        self.threadCount = threads.count + 1
        self.productParts = productParts ?? threads.count + 1
    }

    deinit {
        state.stop()
        for thread in threads { pthread_join(thread, nil) }
    }

    /// Calls `body(task, worker)` for every task in `0..<count` and returns when all are done. `worker` is in
    /// `0..<threadCount` and is this thread's alone during the call, so it may index scratch memory. Not
    /// reentrant: `body` must not call `run`.
    package func run(_ count: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
        guard threadCount > 1, count > 1 else {
            for task in 0..<count { body(task, 0) }
            return
        }
        withoutActuallyEscaping(body) { state.share(count, workers: threads.count, $0) }
    }
}

extension WorkerPool {
    private final class Start {
        let state: State
        let worker: Int
        init(state: State, worker: Int) {
            self.state = state
            self.worker = worker
        }
    }

    /// What the threads share; apart from the pool, so that running threads do not keep the pool alive.
    private final class State: @unchecked Sendable {
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private let generation = Atomic<Int>(0)
        private let nextTask = Atomic<Int>(0)
        private let active = Atomic<Int>(0)
        private var taskCount = 0
        private var body: ((Int, Int) -> Void)?
        private var stopping = false

        /// Kernels follow each other within microseconds: waiting awake that long is cheaper than sleeping.
        private static let spins = 2000

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(wake, nil)
        }

        deinit {
            pthread_mutex_destroy(mutex)
            pthread_cond_destroy(wake)
            mutex.deallocate()
            wake.deallocate()
        }

        func share(_ count: Int, workers: Int, _ body: @escaping (Int, Int) -> Void) {
            taskCount = count
            self.body = body
            nextTask.store(0, ordering: .relaxed)
            active.store(workers, ordering: .relaxed)
            advance()
            drain(as: 0, body)
            var spun = 0
            while active.load(ordering: .acquiring) > 0 {
                spun += 1
                if spun > Self.spins { sched_yield() }
            }
            self.body = nil
        }

        func stop() {
            stopping = true
            advance()
        }

        private func advance() {
            pthread_mutex_lock(mutex)
            generation.wrappingAdd(1, ordering: .releasing)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
        }

        func work(as worker: Int) {
            var seen = 0
            while true {
                seen = waitForGeneration(after: seen)
                if stopping { return }
                if let body { drain(as: worker, body) }
                active.wrappingSubtract(1, ordering: .releasing)
            }
        }

        private func waitForGeneration(after seen: Int) -> Int {
            for _ in 0..<Self.spins {
                let current = generation.load(ordering: .acquiring)
                if current != seen { return current }
            }
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            while true {
                let current = generation.load(ordering: .acquiring)
                if current != seen { return current }
                pthread_cond_wait(wake, mutex)
            }
        }

        private func drain(as worker: Int, _ body: (Int, Int) -> Void) {
            while true {
                let task = nextTask.wrappingAdd(1, ordering: .relaxed).oldValue
                if task >= taskCount { return }
                body(task, worker)
            }
        }
    }
}
