import Distributed
import Kernels
import Model
import TestSupport
import Testing
import Training

@Suite struct ParameterCheckTests {
    /// Runs the check on ranks of these hosts, after `damage` changed what a rank has.
    private static func check(
        hosts: [Int], _ damage: @escaping @Sendable (Int, ParameterLayout, FloatBuffer) -> Void
    ) throws -> [Result<Void, any Error>] {
        let tiny = try TinyTraining()
        return onRanks(hosts.count, hosts: hosts) { communicator in
            try communicator.formGroups(shared: 1, each: 1)
            let parameters = try communicator.makeShared(count: tiny.layout.count)
            let values = tiny.parameters()
            try communicator.meet()
            if communicator.groups.member(communicator.rank) == 0 {
                parameters.pointer.update(from: values.pointer, count: values.count)
            }
            try communicator.meet()
            damage(communicator.rank, tiny.layout, parameters)
            try communicator.meet()
            try ParameterCheck(layout: tiny.layout, communicator: communicator).run(
                parameters, place: "after step 7")
        }
    }

    @Test(arguments: [[0], [0, 0], [0, 1], [0, 0, 1, 1, 2]]) func equalCopiesPass(hosts: [Int]) throws {
        for outcome in try Self.check(hosts: hosts, { _, _, _ in }) { try outcome.get() }
    }

    @Test func theFirstTensorThatDiffersIsNamed() throws {
        let outcomes = try Self.check(hosts: [0, 0, 1, 1, 2]) { rank, layout, parameters in
            // The last bit of one float, of a later tensor on one host and of two on another.
            func flip(_ tensor: Int) {
                let place = parameters.pointer + layout.parameters[tensor].range.upperBound - 1
                place.pointee = Float(bitPattern: place.pointee.bitPattern ^ 1)
            }
            if rank == 3 { flip(9) }
            if rank == 4 {
                flip(5)
                flip(9)
            }
        }
        let name = try TinyTraining().layout.parameters[5].name
        for (rank, outcome) in outcomes.enumerated() {
            let failure = try #require(throws: AgreedFailure.self) { try outcome.get() }
            #expect(failure.exitCode == 69 && failure.rank == 4 && failure.isOwn == (rank == 4))
            #expect(
                failure.description.hasPrefix(
                    "parameter \(name) of rank 4 on host host2 is not that of rank 0 (after step 7): "))
        }
    }
}
