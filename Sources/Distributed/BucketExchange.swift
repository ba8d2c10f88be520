import Kernels

/// What the exchanges of all buckets have in common.
struct BucketRoute {
    let communicator: any Communicator
    let buffers: GroupBuffers
    let layout: ShardLayout
    let settings: GradientExchange.Settings
    let staging: StagingBuffers

    var rank: Int { communicator.rank }
    var groups: RankGroups { communicator.groups }
    var own: UnsafeMutablePointer<Float> { buffers.own.pointer }
    var otherGroups: [Int] { groups.groups.indices.filter { $0 != communicator.ownGroup } }
}

/// The way of one bucket through a step: the group's sum, contributions to owners, totals back.
final class BucketExchange {
    let bucket: Int
    private(set) var isDone = false
    private let route: BucketRoute
    private let written: [Range<Int>]
    private var stage = Stage.idle
    /// Messages of this stage.
    private var pending: [any Transfer] = []
    private var sending: [Piece] = []
    /// What other groups contribute to this rank's share, in order of group.
    private var contributions: [Piece] = []
    /// Totals of shares that this rank handles for other groups' owners.
    private var totals: [Piece] = []
    private let signal: GroupSignal

    private enum Stage { case idle, gatheringGroup, contributing, distributing }

    init(bucket: Int, route: BucketRoute, written: [Range<Int>]) {
        self.bucket = bucket
        self.route = route
        self.written = written
        signal = GroupSignal(route.communicator)
    }

    /// Goes on as far as messages have come.
    func advance() throws {
        while try !isDone && isStageComplete() {
            switch stage {
            case .idle: try startGathering()
            case .gatheringGroup: try startContributing()
            case .contributing: try startDistributing()
            case .distributing: finish()
            }
        }
    }

    private func isStageComplete() throws -> Bool {
        while let last = pending.last, try last.isComplete() { pending.removeLast() }
        return pending.isEmpty
    }

    /// Tells the others of the group that this rank's part is final, and hears it of them.
    private func startGathering() throws {
        stage = .gatheringGroup
        pending = try signal.start(tag: MessageTag.isReady(bucket))
    }

    /// Sends the group's sums to the owners, and receives those of the other groups.
    private func startContributing() throws {
        stage = .contributing
        let tag = MessageTag.contribution(bucket)
        contributions = route.otherGroups.map { _ in piece(of: route.rank) }
        for (group, piece) in zip(route.otherGroups, contributions) {
            pending += try piece.receive(
                from: route.groups.handler(of: route.rank, in: group), tag: tag, over: route.communicator,
                replacing: false)
        }
        sumInGroup(ranges(of: route.rank))
        for owner in ownersElsewhere {
            sumInGroup(ranges(of: owner))
            let piece = piece(of: owner)
            sending.append(piece)
            pending += try piece.send(to: [owner], tag: tag, over: route.communicator)
        }
    }

    /// Adds up what this rank owns and sends it back.
    private func startDistributing() throws {
        stage = .distributing
        sending = []
        addContributions()
        guard !route.settings.keepsTotalsWithOwners else { return }
        let tag = MessageTag.total(bucket)
        totals = ownersElsewhere.map(piece)
        for (owner, piece) in zip(ownersElsewhere, totals) {
            pending += try piece.receive(from: owner, tag: tag, over: route.communicator, replacing: true)
        }
        let own = piece(of: route.rank)
        sending.append(own)
        pending += try own.send(
            to: route.otherGroups.map { route.groups.handler(of: route.rank, in: $0) }, tag: tag,
            over: route.communicator, roundsValues: true)
    }

    private func finish() {
        for piece in totals { piece.unpack() }
        totals = []
        sending = []
        isDone = true
    }

    /// Owners in other groups whose shares this rank handles.
    private var ownersElsewhere: [Int] {
        let group = route.communicator.ownGroup
        return (0..<route.communicator.size).filter {
            route.groups.group(of: $0) != group && route.groups.handler(of: $0, in: group) == route.rank
        }
    }

    private func ranges(of owner: Int) -> [Range<Int>] {
        written.clamped(to: route.layout.share(of: bucket, rank: owner))
    }

    private func piece(of owner: Int) -> Piece {
        Piece(ranges(of: owner), of: route.own, route.settings.compression, route.staging)
    }

    private func sumInGroup(_ ranges: [Range<Int>]) {
        guard route.buffers.all.count > 1 else { return }
        for range in ranges {
            sumInPairs(
                route.buffers.all.map { UnsafePointer($0 + range.lowerBound) },
                into: route.own + range.lowerBound, count: range.count)
        }
    }

    /// Adds up the groups' sums of what this rank owns, in order of group.
    private func addContributions() {
        let others = contributions.compactMap { $0.arrived() }
        var offset = 0
        for range in ranges(of: route.rank) {
            var sources = others.map { $0 + offset }
            sources.insert(UnsafePointer(route.own + range.lowerBound), at: route.communicator.ownGroup)
            sumInPairs(sources, into: route.own + range.lowerBound, count: range.count)
            offset += range.count
        }
        contributions = []
    }
}
