import Kernels

/// How gradients travel between groups of ranks.
package enum GradientCompression: String, Sendable, CaseIterable {
    /// As they are.
    case none
    /// Rounded to bfloat16 on the way to the owner, who adds up floats, and on the way back.
    case bf16
}

/// Adds up the gradients of all ranks, bucket by bucket while backward goes on.
///
/// A bucket's shares each have an owner. Members of a group add up their buffers in the memory they have in common,
/// one of them for each share; the sums of the groups go to the share's owner, which adds them in order of group,
/// and the total goes back unless only the owner needs it (ZeRO of Rajbhandari et al., SC 2020). Every step of
/// that is in an order which the number of ranks decides, never the network.
///
/// One thread at a time may call it.
package final class GradientExchange {
    package struct Settings: Sendable, Equatable {
        /// Bytes of gradients in a bucket.
        package var bucketBytes = 25_000_000
        /// Whether totals stay with their owners.
        package var keepsTotalsWithOwners = false
        package var compression = GradientCompression.none

        package init() {}
    }

    package let layout: ShardLayout
    /// The elements that this rank has the totals of after `finish`, ascending.
    package let handled: [Range<Int>]
    /// The elements that this rank adds up, ascending.
    package let owned: [Range<Int>]

    private let communicator: any Communicator
    private let buffers: GroupBuffers
    package let settings: Settings
    private let pool: WorkerPool
    private let staging = StagingBuffers()
    private var exchanges: [BucketExchange] = []
    /// Elements from here on are final on this rank.
    private var finalFrom: Int
    private var written: [Range<Int>] = []
    private var failure: (any Error)?
    /// Values on their way to the other groups.
    private var spread: ValueSpread?

    /// How many buckets may hold memory for what they receive at once.
    private static let bucketsInFlight = 4

    /// - table: elements at the beginning of which a step uses few rows; 0 where there are none.
    /// - pool: threads that wait for the sum and may help with it.
    package init(
        communicator: any Communicator, buffers: GroupBuffers, settings: Settings, table: Int = 0,
        pool: WorkerPool = WorkerPool(threadCount: 1)
    ) {
        let count = buffers.own.count
        self.communicator = communicator
        self.buffers = buffers
        self.settings = settings
        self.pool = pool
        layout = ShardLayout(
            count: count, ranks: communicator.size,
            bucketSize: max(settings.bucketBytes / MemoryLayout<Float>.stride, 1), table: table)
        owned = layout.owned(by: communicator.rank)
        handled =
            settings.keepsTotalsWithOwners
            ? owned : layout.handled(by: communicator.rank, in: communicator.groups)
        finalFrom = count
    }

    /// Whether there are messages to send, which backward could hide.
    package var hasMessages: Bool { communicator.groups.groups.count > 1 }

    /// A new step. Every rank names the same elements; all others are zero on every rank.
    package func begin(written: [Range<Int>]) {
        self.written = written
        finalFrom = layout.count
        guard hasMessages else { return }
        let route = BucketRoute(
            communicator: communicator, buffers: buffers, layout: layout, settings: settings, staging: staging
        )
        exchanges = layout.buckets.indices.map {
            BucketExchange(bucket: $0, route: route, written: written.clamped(to: layout.buckets[$0]))
        }
    }

    /// Elements from `lower` on have their last value of this step here.
    package func isFinal(from lower: Int) { finalFrom = lower }

    /// Takes messages as far as they go without waiting. A failure is kept for `finish`.
    package func advance() {
        guard hasMessages, failure == nil else { return }
        do {
            _ = try advanceSpread(below: layout.count)
            _ = try advanceAll()
        } catch { failure = error }
    }

    /// Waits until this rank has the totals of all elements it handles. All elements must be final.
    package func finish() throws {
        if let failure { throw failure }
        guard hasMessages else { return try sumInGroup() }
        try settle()
        try communicator.wait(for: "sum of gradients") { try advanceAll() }
        exchanges = []
    }

    /// Returns whether all is done.
    private func advanceAll() throws -> Bool {
        var inFlight = 0
        for exchange in exchanges where !exchange.isDone {
            // Buckets finish from the end of the buffer to the beginning, so none after this one may start.
            guard layout.buckets[exchange.bucket].lowerBound >= finalFrom, inFlight < Self.bucketsInFlight
            else { return false }
            try exchange.advance()
            if !exchange.isDone { inFlight += 1 }
        }
        return inFlight == 0
    }

    /// Without messages: every rank adds up what it owns when all have finished.
    private func sumInGroup() throws {
        guard communicator.size > 1 else { return }
        try communicator.meet()
        sumInPairs(
            pool, buffers.all.map { UnsafePointer($0) }, into: buffers.own.pointer,
            over: written.intersection(owned))
    }
}

extension GradientExchange {
    /// Memory of the group for what belongs to the elements.
    package func makeShared(count: Int) throws -> FloatBuffer { try communicator.makeShared(count: count) }

    /// Gives the new values of what each rank handles to all ranks. What is on its way when this returns, `advance`
    /// takes along, and `waitForValues` and `settle` wait for.
    ///
    /// - values: in memory of the group, as `Communicator.makeShared` makes it.
    /// - order: what is needed first; the same on every rank.
    package func publish(_ values: FloatBuffer, order: SpreadOrder = .ascending) throws {
        guard settings.keepsTotalsWithOwners, hasMessages else { return try communicator.meet() }
        spread = ValueSpread(values, layout, order, staging, over: communicator)
        _ = try advanceSpread(below: layout.count)
    }

    /// Whether published values are on their way.
    package var isSpreading: Bool { spread != nil }

    /// Waits until what is read of the values before `upper` is there: of a table the rows that were named, and
    /// everything else. A failure is kept for `finish`.
    package func waitForValues(below upper: Int) {
        guard failure == nil else { return }
        do {
            try communicator.wait(for: "the updated parameters") { try advanceSpread(below: upper) }
        } catch { failure = error }
    }

    /// Waits until all published values are there.
    package func settle() throws {
        if let failure { throw failure }
        try communicator.wait(for: "the updated parameters") {
            _ = try advanceSpread(below: layout.count)
            // What is not read of a table is still to come when all that is read is there.
            return !isSpreading
        }
    }

    /// Returns whether what is read of the values before `upper` is there.
    private func advanceSpread(below upper: Int) throws -> Bool {
        guard let spread else { return true }
        try spread.advance()
        if spread.isDone { self.spread = nil }
        return spread.isDone(below: upper)
    }

    /// Puts what owners in other groups than rank 0's have of `values` into rank 0's.
    package func collectOwned(_ values: FloatBuffer) throws {
        guard settings.keepsTotalsWithOwners, hasMessages else { return }
        try finish(
            exchangeOwned(values, towardsRoot: true), "collecting the optimizer's state")
    }

    /// Gives what rank 0 has of `values` to the ranks that handle it: the way back of `collectOwned`.
    package func distributeToOwners(_ values: FloatBuffer) throws {
        guard settings.keepsTotalsWithOwners, hasMessages else {
            return try communicator.spreadFromRoot(values)
        }
        try finish(
            exchangeOwned(values, towardsRoot: false), "handing out the optimizer's state")
        try communicator.meet()
    }

    /// Begins the messages between rank 0 and the owners outside of its group.
    private func exchangeOwned(_ values: FloatBuffer, towardsRoot: Bool) throws -> [any Transfer] {
        let rootGroup = communicator.groups.group(of: 0)
        let outside = (0..<communicator.size).filter { communicator.groups.group(of: $0) != rootGroup }
        let owners = communicator.isRoot ? outside : outside.filter { $0 == communicator.rank }
        return try owners.flatMap { owner in
            let peer = communicator.isRoot ? owner : 0
            return try layout.owned(by: owner).map { range in
                let bytes = values.mutableBytes(range)
                return communicator.isRoot == towardsRoot
                    ? try communicator.startReceiving(bytes, from: peer, tag: MessageTag.state)
                    : try communicator.startSending(
                        UnsafeRawBufferPointer(bytes), to: peer, tag: MessageTag.state)
            }
        }
    }

    private func finish(_ transfers: [any Transfer], _ activity: String) throws {
        var transfers = transfers
        try communicator.wait(for: activity) {
            while let last = transfers.last, try last.isComplete() { transfers.removeLast() }
            return transfers.isEmpty
        }
    }
}

extension FloatBuffer {
    func mutableBytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            UnsafeMutableBufferPointer(start: pointer + range.lowerBound, count: range.count))
    }
}

/// Tags of the messages of a step. Messages of one tag between two ranks keep their order, also from step to step.
enum MessageTag {
    static let state = 0
    static let rows = 1
    static func isReady(_ bucket: Int) -> Int { 5 * bucket + 3 }
    static func contribution(_ bucket: Int) -> Int { 5 * bucket + 4 }
    static func total(_ bucket: Int) -> Int { 5 * bucket + 5 }
    static func parameters(_ bucket: Int) -> Int { 5 * bucket + 6 }

    /// From the tag of rows or parameters to that of the message that they are in place.
    static let toIsInPlace = 1
}
