import Distributed
import Kernels
import Logging
import Model
import QuestionAnswering

/// Forward passes of several models over their windows, models spread over the ranks.
///
/// As many models at once as there are ranks, each on ranks of its own; so a rank has one model in memory at a time.
package struct EnsembleForward {
    /// A model and what it is asked.
    package struct Member {
        package let model: OpenedModel
        package let data: FeatureSet

        package init(model: OpenedModel, data: FeatureSet) {
            self.model = model
            self.data = data
        }
    }

    private let members: [Member]
    private let compute: ComputeSettings
    private let communicator: any Communicator
    /// Told on some thread what share of its windows the model of this number, from 0, has answered on this rank.
    package var onProgress: (@Sendable (_ model: Int, _ share: Double) -> Void)?

    /// - compute: with the threads of a rank settled, for a part of the ranks cannot know what the others use.
    package init(_ members: [Member], compute: ComputeSettings, communicator: any Communicator) {
        precondition(compute.threads != nil)
        self.members = members
        self.compute = compute
        self.communicator = communicator
    }

    /// What a model said.
    package struct Output {
        /// One for each of its windows.
        package let logits: [SpanLogits]
        /// What the user should know about how it was read.
        package let notices: [String]
        /// That the forward passes took.
        fileprivate let seconds: Double
    }

    /// The output of every member, and the seconds that forward passes took, on rank 0; nil on the others. Every rank
    /// must call it.
    package func run() throws -> (outputs: [Output], seconds: Double)? {
        var outputs: [Output] = []
        var seconds = 0.0
        for start in stride(from: 0, to: members.count, by: communicator.size) {
            let round = start..<min(start + communicator.size, members.count)
            guard let outputsOfRound = try run(round) else { continue }
            outputs += outputsOfRound
            seconds += outputsOfRound.map(\.seconds).max() ?? 0
        }
        return communicator.isRoot ? (outputs, seconds) : nil
    }

    private func run(_ round: Range<Int>) throws -> [Output]? {
        let label = communicator.rank % round.count
        communicator.place = "model \(members[round.lowerBound + label].model.folder.path)"
        let part = round.count == 1 ? communicator : try communicator.split(by: label)
        let own = try communicator.together {
            try output(of: round.lowerBound + label, over: part, beside: round.count)
        }
        if round.count > 1 { part.finalize() }
        guard let all = try communicator.gather(own ?? []) else { return nil }
        // The first rank of part k is rank k of all.
        return round.indices.map { decode(all[$0 - round.lowerBound], members[$0]) }
    }

    /// The bytes of the output of member `number` on the first of the ranks of `part`; nil on the others.
    ///
    /// - beside: models that are in memory at once, on all ranks together.
    private func output(
        of number: Int, over part: any Communicator, beside count: Int
    ) throws -> [UInt8]? {
        let member = members[number]
        var memory = SystemMemory()
        memory.available /= count
        let plan = try part.planCompute(
            compute, member.model.configuration, sequenceLength: member.data.longest, for: .evaluation,
            memory: memory)
        let loaded = try LoadedModel(member.model, seed: 42, trains: false, communicator: part)
        let forward = plan.forward(loaded, longest: member.data.longest, communicator: part)
        let clock = ContinuousClock()
        let start = clock.now
        let logits = try forward.logits(
            member.data.fitting(loaded.configuration), onProgress: observer(of: number))
        let seconds = (clock.now - start).seconds
        guard let logits else { return nil }
        var writer = ByteWriter()
        writer.add([seconds])
        writer.add(loaded.notices)
        for window in logits {
            writer.add(window.start)
            writer.add(window.end)
        }
        return writer.bytes
    }

    private func observer(of number: Int) -> ShareObserver? {
        guard let onProgress else { return nil }
        return { share in onProgress(number, share) }
    }

    private func decode(_ bytes: [UInt8], _ member: Member) -> Output {
        var reader = ByteReader(bytes)
        let seconds = reader.values(of: Double.self)[0]
        let notices = reader.texts()
        return Output(
            logits: (0..<member.data.count).map { _ in
                SpanLogits(start: reader.values(), end: reader.values())
            }, notices: notices, seconds: seconds)
    }
}

extension FeatureSet {
    /// The same windows with the token types that a model with this configuration has.
    package func fitting(_ configuration: ModelConfiguration) -> FeatureSet {
        guard !configuration.usesTokenTypes else { return self }
        return FeatureSet(
            dataset: dataset, questionIDs: questionIDs,
            features: FeatureList(features.columns.withoutTokenTypes))
    }
}
