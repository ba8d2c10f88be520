import Kernels

/// In which order values go from their owners to everybody.
package struct SpreadOrder: Sendable {
    /// A table of which few rows are read soon; empty where there is none.
    let table: Range<Int>
    /// Those rows, ascending.
    let rows: [Range<Int>]

    /// From the beginning of the buffer to its end.
    package static let ascending = SpreadOrder(table: 0..<0, rows: [])

    /// First `rows` of `table`, then what is not in the table, from the beginning of the buffer to its end, and the
    /// rest of the table last.
    package init(table: Range<Int>, rows: [Range<Int>]) {
        self.table = table
        self.rows = rows
    }
}

/// Gives what each rank owns of some values to the groups of all others, into the same place of the memory that
/// each group has for them: piece by piece in the order that forward needs parameters.
final class ValueSpread {
    private let values: FloatBuffer
    private let communicator: any Communicator
    private let layout: ShardLayout
    private let order: SpreadOrder
    private let staging: StagingBuffers
    private var parts: [Part]
    private var done = 0

    /// How many parts may be on their way at once: more would make the first come later.
    private static let partsInFlight = 2

    init(
        _ values: FloatBuffer, _ layout: ShardLayout, _ order: SpreadOrder, _ staging: StagingBuffers,
        over communicator: any Communicator
    ) {
        self.values = values
        self.communicator = communicator
        self.layout = layout
        self.order = order
        self.staging = staging
        let buckets = layout.buckets.indices.reversed()
        func isInTable(_ bucket: Int) -> Bool { layout.buckets[bucket].upperBound <= order.table.upperBound }
        let late = buckets.filter(isInTable)
        let early = buckets.filter { !isInTable($0) }
        parts =
            [Part(.rows)] + early.map { Part(.bucket($0)) } + late.map { Part(.bucket($0)) }
    }

    var isDone: Bool { done == parts.count }

    /// Whether what is read before `upper` is that of its owners, for the whole group: all elements, but of the
    /// table the rows alone.
    func isDone(below upper: Int) -> Bool {
        guard !isDone else { return true }
        switch parts[done].content {
        case .rows: return false
        case .bucket(let bucket):
            let range = layout.buckets[bucket]
            return range.lowerBound >= upper || range.upperBound <= order.table.upperBound
        }
    }

    /// Goes on as far as messages have come.
    func advance() throws {
        for index in done..<min(done + Self.partsInFlight, parts.count) {
            try advance(&parts[index])
            if index == done, parts[index].stage == .done { done += 1 }
        }
    }

    private struct Part {
        enum Content { case rows, bucket(Int) }
        enum Stage { case idle, moving, telling, done }

        let content: Content
        var stage = Stage.idle
        var pending: [any Transfer] = []
        var sending: Piece?
        var receiving: [Piece] = []
        var signal: GroupSignal?

        init(_ content: Content) { self.content = content }

        mutating func isStageComplete() throws -> Bool {
            while let last = pending.last, try last.isComplete() { pending.removeLast() }
            return pending.isEmpty
        }

        var tag: Int {
            switch content {
            case .rows: MessageTag.rows
            case .bucket(let bucket): MessageTag.parameters(bucket)
            }
        }
    }

    private func advance(_ part: inout Part) throws {
        while try part.stage != .done && part.isStageComplete() {
            switch part.stage {
            case .idle:
                part.stage = .moving
                try move(&part)
            case .moving:
                part.stage = .telling
                for piece in part.receiving { piece.unpack() }
                (part.sending, part.receiving) = (nil, [])
                let signal = GroupSignal(communicator)
                part.signal = signal
                part.pending = try signal.start(tag: part.tag + MessageTag.toIsInPlace)
            case .telling, .done:
                part.stage = .done
                part.signal = nil
            }
        }
    }

    /// Receives what this rank handles for owners elsewhere, and sends what it owns.
    private func move(_ part: inout Part) throws {
        let (rank, groups, own) = (communicator.rank, communicator.groups, communicator.ownGroup)
        for owner in 0..<communicator.size
        where groups.group(of: owner) != own && groups.handler(of: owner, in: own) == rank {
            let piece = piece(part, of: owner)
            part.receiving.append(piece)
            part.pending += try piece.receive(
                from: owner, tag: part.tag, over: communicator, replacing: true)
        }
        let piece = piece(part, of: rank)
        part.sending = piece
        part.pending += try piece.send(
            to: groups.groups.indices.filter { $0 != own }.map { groups.handler(of: rank, in: $0) },
            tag: part.tag, over: communicator)
    }

    /// What `owner` has of a part.
    private func piece(_ part: Part, of owner: Int) -> Piece {
        let ranges =
            switch part.content {
            case .rows: order.rows.intersection(layout.owned(by: owner))
            case .bucket(let bucket): [layout.share(of: bucket, rank: owner)].filter { !$0.isEmpty }
            }
        return Piece(ranges, of: values.pointer, .none, staging)
    }
}
