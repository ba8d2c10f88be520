import Kernels

/// Gives what each rank owns of some values to the groups of all others, into the same place of the memory that
/// each group has for them: bucket by bucket from the beginning of the buffer, as forward needs parameters.
final class ValueSpread {
    private let values: FloatBuffer
    private let communicator: any Communicator
    private let layout: ShardLayout
    /// In order of the buffer.
    private var buckets: [BucketSpread]
    private var done = 0

    /// How many buckets may be on their way at once: more would make the first come later.
    private static let bucketsInFlight = 2

    init(_ values: FloatBuffer, _ layout: ShardLayout, over communicator: any Communicator) {
        self.values = values
        self.communicator = communicator
        self.layout = layout
        buckets = layout.buckets.indices.reversed().map(BucketSpread.init)
    }

    var isDone: Bool { done == buckets.count }

    /// Whether the elements before `upper` are those of their owners, for the whole group.
    func isDone(below upper: Int) -> Bool {
        isDone || layout.buckets[buckets[done].bucket].lowerBound >= upper
    }

    /// Goes on as far as messages have come.
    func advance() throws {
        for index in done..<min(done + Self.bucketsInFlight, buckets.count) {
            try advance(&buckets[index])
            if index == done, buckets[index].stage == .done { done += 1 }
        }
    }

    private struct BucketSpread {
        enum Stage { case idle, moving, telling, done }

        let bucket: Int
        var stage = Stage.idle
        var pending: [any Transfer] = []
        var signal: GroupSignal?

        init(_ bucket: Int) { self.bucket = bucket }

        mutating func isStageComplete() throws -> Bool {
            while let last = pending.last, try last.isComplete() { pending.removeLast() }
            return pending.isEmpty
        }
    }

    private func advance(_ bucket: inout BucketSpread) throws {
        while try bucket.stage != .done && bucket.isStageComplete() {
            switch bucket.stage {
            case .idle:
                bucket.stage = .moving
                bucket.pending = try move(bucket.bucket)
            case .moving:
                bucket.stage = .telling
                let signal = GroupSignal(communicator)
                bucket.signal = signal
                bucket.pending = try signal.start(tag: MessageTag.isInPlace(bucket.bucket))
            case .telling, .done:
                bucket.stage = .done
                bucket.signal = nil
            }
        }
    }

    /// Receives what this rank handles for owners elsewhere, and sends what it owns.
    private func move(_ bucket: Int) throws -> [any Transfer] {
        let (rank, groups, own) = (communicator.rank, communicator.groups, communicator.ownGroup)
        let tag = MessageTag.parameters(bucket)
        var transfers: [any Transfer] = []
        for owner in 0..<communicator.size
        where groups.group(of: owner) != own && groups.handler(of: owner, in: own) == rank {
            let share = layout.share(of: bucket, rank: owner)
            guard !share.isEmpty else { continue }
            transfers.append(
                try communicator.startReceiving(values.mutableBytes(share), from: owner, tag: tag))
        }
        let share = layout.share(of: bucket, rank: rank)
        guard !share.isEmpty else { return transfers }
        for group in groups.groups.indices where group != own {
            transfers.append(
                try communicator.startSending(
                    UnsafeRawBufferPointer(values.mutableBytes(share)),
                    to: groups.handler(of: rank, in: group), tag: tag))
        }
        return transfers
    }
}
