import Distributed
import Kernels
import TestSupport
import Testing

@Suite struct GradientExchangeTests {
    struct Case: Sendable, CustomStringConvertible {
        let hosts: [Int]
        var count = 5_000
        var buckets = 5
        var isSharded = false
        var compression = GradientCompression.none
        var progress = CommunicationProgress.kernels
        /// Whether values begin with a table of which only some rows are read before the next step's gradients.
        var hasTable = false

        var description: String {
            "\(hosts) \(count) \(buckets) \(isSharded) \(compression) \(progress)\(hasTable ? " table" : "")"
        }
    }

    static let cases: [Case] = {
        let hosts = [[0], [0, 0], [0, 1], [0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 1, 1, 2], [0, 1, 2, 3, 4]]
        return hosts.flatMap { hosts in
            [
                Case(hosts: hosts), Case(hosts: hosts, isSharded: true),
                Case(hosts: hosts, count: 3, buckets: 1),
                Case(hosts: hosts, buckets: 70, isSharded: true, progress: .thread),
                Case(hosts: hosts, buckets: 70, isSharded: true, hasTable: true),
                Case(hosts: hosts, buckets: 70, isSharded: true, progress: .none, hasTable: true),
                Case(hosts: hosts, progress: .none), Case(hosts: hosts, buckets: 1, progress: .thread),
            ]
        }
    }()

    private static func gradients(_ count: Int, rank: Int, step: Int) -> [Float] {
        var generator = SeededGenerator(seed: UInt64(1 + rank + 100 * step))
        return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    /// Some rows of the first half, and all of the second.
    private static func written(_ count: Int, step: Int) -> [Range<Int>] {
        (rows(count, step: step) + [count / 2..<count]).filter { !$0.isEmpty }
    }

    private static func rows(_ count: Int, step: Int) -> [Range<Int>] {
        stride(from: step, to: count / 2 - 8, by: 40).map { $0..<$0 + 8 }
    }

    private struct Outcome: Sendable {
        var totals: [[Float]] = []
        var handled: [Range<Int>] = []
        var parameters: [[Float]] = []
        /// Nothing was on its way any more at the end.
        var isComplete = false
    }

    /// Three steps of an exchange, each followed by an update of what the rank handles.
    private static func run(_ test: Case, _ communicator: any Communicator) throws -> Outcome {
        try communicator.formGroups(shared: test.count, each: test.count)
        let buffers = try communicator.makeGroupBuffers(count: test.count)
        let parameters = try communicator.makeShared(count: test.count)
        var settings = GradientExchange.Settings()
        settings.bucketBytes = max(1, test.count / test.buckets) * 4
        settings.keepsTotalsWithOwners = test.isSharded
        settings.compression = test.compression
        let exchange = GradientExchange(
            communicator: communicator, buffers: buffers, settings: settings,
            table: test.hasTable ? test.count / 2 : 0)
        let driver = ExchangeDriver(exchange, test.progress, allowsThread: true)
        var outcome = Outcome(handled: exchange.handled)
        for step in 0..<3 {
            let own = gradients(test.count, rank: communicator.rank, step: step)
            let written = written(test.count, step: step)
            buffers.own.fill(0)
            try communicator.meet()
            driver.begin(written: written)
            if step > 0 { outcome.parameters.append(Self.read(parameters, driver, test, step: step)) }
            for index in written.joined().reversed() {
                buffers.own.pointer[index] = own[index]
                if index % 97 == 0 { driver.isFinal(from: index) }
                if index % 31 == 0 { driver.isBetweenKernels() }
            }
            try driver.finish()
            // Everybody has added up before anybody goes on, as in a step the sum of losses makes sure.
            var barrier = [0.0]
            try communicator.sum(&barrier)
            outcome.totals.append(Array(buffers.own.buffer))
            for index in exchange.handled.joined() {
                parameters.pointer[index] += buffers.own.pointer[index] * 0.5
            }
            try exchange.publish(parameters, order: order(test, step: step + 1))
        }
        try exchange.settle()
        outcome.parameters.append(Array(parameters.buffer))
        outcome.isComplete = !exchange.isSpreading
        return outcome
    }

    private static func order(_ test: Case, step: Int) -> SpreadOrder {
        test.hasTable
            ? SpreadOrder(table: 0..<test.count / 2, rows: rows(test.count, step: step)) : .ascending
    }

    /// Piece by piece, as forward reads parameters while others are on their way. What it does not read of a table is
    /// not a number.
    private static func read(
        _ parameters: FloatBuffer, _ driver: ExchangeDriver, _ test: Case, step: Int
    ) -> [Float] {
        var values: [Float] = []
        for upper in [parameters.count / 7, parameters.count / 2, parameters.count] {
            driver.waitForValues(below: upper)
            values += parameters.buffer[values.count..<upper]
            driver.isBetweenKernels()
        }
        if test.hasTable {
            let read = Set(rows(test.count, step: step).joined())
            for index in 0..<test.count / 2 where !read.contains(index) { values[index] = .nan }
        }
        return values
    }

    /// The sum over ranks: within a host in pairs, then over hosts in pairs.
    private static func expected(_ test: Case, step: Int) -> [Float] {
        let groups = RankGroups(groupOfRank: test.hosts)
        let sums = groups.groups.map { members in
            sum(members.map { gradients(test.count, rank: $0, step: step) })
        }
        let total = sum(sums)
        var result = [Float](repeating: 0, count: test.count)
        for index in written(test.count, step: step).joined() { result[index] = total[index] }
        return result
    }

    private static func sum(_ parts: [[Float]]) -> [Float] {
        var result = parts[0]
        let buffers = parts.map { part in
            let buffer = FloatBuffer(count: part.count)
            for (index, value) in part.enumerated() { buffer.pointer[index] = value }
            return buffer
        }
        withExtendedLifetime(buffers) {
            sumInPairs(buffers.map { UnsafePointer($0.pointer) }, into: &result, count: result.count)
        }
        return result
    }

    @Test("every rank gets the sums it handles, and all ranks the same parameters", arguments: cases)
    func sums(_ test: Case) throws {
        let outcomes = try valuesOnRanks(test.hosts.count, hosts: test.hosts) { try Self.run(test, $0) }
        #expect(outcomes.allSatisfy { $0.isComplete })
        var parameters = [Float](repeating: 0, count: test.count)
        for step in 0..<3 {
            let expected = Self.expected(test, step: step)
            for outcome in outcomes {
                #expect(outcome.handled.joined().allSatisfy { outcome.totals[step][$0] == expected[$0] })
            }
            for index in parameters.indices { parameters[index] += expected[index] * 0.5 }
            for outcome in outcomes {
                #expect(
                    zip(outcome.parameters[step], parameters).allSatisfy { $0.isNaN || $0 == $1 })
            }
        }
    }

    @Test(
        "rounded to bfloat16, sums are near, and the same on all ranks",
        arguments: [[0, 1], [0, 0, 1, 1], [0, 1, 2]], [false, true])
    func compressed(hosts: [Int], isSharded: Bool) throws {
        let test = Case(hosts: hosts, isSharded: isSharded, compression: .bf16)
        let outcomes = try valuesOnRanks(hosts.count, hosts: hosts) { try Self.run(test, $0) }
        for step in 0..<3 {
            let expected = Self.expected(test, step: step)
            var differs = false
            for outcome in outcomes {
                for index in outcome.handled.joined() {
                    let difference = abs(outcome.totals[step][index] - expected[index])
                    // A contribution from each other host and the total, each off by at most 2⁻⁸ of itself.
                    #expect(difference <= Float(hosts.count) * 3 / 256)
                    differs = differs || difference > 0
                }
            }
            #expect(differs && outcomes.allSatisfy { $0.parameters[step] == outcomes[0].parameters[step] })
        }
    }

    @Test(
        "what owners of a sharded state have comes to rank 0",
        arguments: [[0, 0], [0, 1], [0, 0, 1, 1, 2]])
    func collects(hosts: [Int]) throws {
        let count = 3_000
        let collected = try valuesOnRanks(hosts.count, hosts: hosts) { communicator in
            try communicator.formGroups(shared: count, each: count)
            var settings = GradientExchange.Settings()
            settings.keepsTotalsWithOwners = true
            settings.bucketBytes = 2_000
            let exchange = GradientExchange(
                communicator: communicator, buffers: try communicator.makeGroupBuffers(count: count),
                settings: settings)
            let state = try communicator.makeShared(count: count)
            for index in exchange.owned.joined() { state.pointer[index] = Float(index) }
            try communicator.meet()
            try exchange.collectOwned(state)
            return Array(state.buffer)
        }
        #expect(collected[0] == (0..<count).map { Float($0) })
    }
}
