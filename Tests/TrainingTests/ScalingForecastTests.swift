import Testing
import Training

@Suite struct ScalingForecastTests {
    private let forecast = ScalingForecast(
        compute: 3, microBatches: 1, gradientBytes: 400e6, parameterBytes: 400e6, bucketBytes: 25e6,
        hostSum: 0.1, ranksOnHost: 2, link: Link(latency: 0, overhead: 0, bandwidth: 1e9))

    @Test func aHostAloneSumsInMemoryAndSendsNothing() {
        let row = forecast.row(ranks: 2, imbalance: 0)
        #expect(row.hosts == 1 && abs(row.notHidden - 0.1) < 1e-12 && abs(row.stepSeconds - 3.1) < 1e-12)
    }

    @Test func aRankAloneOnlyComputes() {
        var alone = forecast
        alone.ranksOnHost = 1
        #expect(alone.row(ranks: 1, imbalance: 0).stepSeconds == 3)
    }

    @Test func whatIsShorterThanComputingHidesButForTheLastBucket() {
        // Half of 25 MB for the gradients, and of as much for the parameters, at 1 GB/s.
        let row = forecast.row(ranks: 4, imbalance: 0)
        #expect(row.hosts == 2 && abs(row.notHidden - (0.1 + 2 * 0.0125)) < 1e-12)
    }

    @Test func whatIsLongerThanComputingShows() {
        var slow = forecast
        slow.link.bandwidth = 1e8
        // 2 s for half of the gradients behind 2 s of backward, 2 s for the parameters behind 1 s of forward.
        #expect(abs(slow.row(ranks: 4, imbalance: 0).notHidden - (0.1 + 0.125 + 1)) < 1e-12)
        slow.microBatches = 2
        #expect(abs(slow.row(ranks: 4, imbalance: 0).notHidden - (0.1 + 1 + 1.5)) < 1e-12)
    }

    @Test func everyHostTravelsTowardsAllOfTheBytesOnMoreHosts() {
        var slow = forecast
        slow.link.bandwidth = 1e8
        let rows = [4, 8, 16, 256].map { slow.row(ranks: $0, imbalance: 0).notHidden }
        #expect(zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 })
        // All of 400 MB at 100 MB/s twice, less what hides.
        #expect(rows[3] < 0.1 + 8 - 3 && rows[3] > (0.1 + 8 - 3) * 0.95)
    }

    @Test func messagesCostMoreOnMoreHosts() {
        var slow = forecast
        slow.link = Link(latency: 1e-3, overhead: 1e-3, bandwidth: 1e12)
        let few = slow.row(ranks: 4, imbalance: 0).notHidden
        #expect(slow.row(ranks: 256, imbalance: 0).notHidden > few + 0.2)
    }

    @Test func unevenRanksWait() {
        let row = forecast.row(ranks: 2, imbalance: 0.1)
        #expect(abs(row.waiting - 0.3) < 1e-12 && abs(row.stepSeconds - 3.4) < 1e-12)
    }
}

@Suite struct HiddenShareTests {
    private func share(step: Double, compute: Double, communication: Double) -> Double {
        OverlapBenchmark.Report(
            step: step, waited: 0, compute: compute, communication: communication, meanCompute: compute,
            microBatches: 1,
            samplesPerSecond: 1
        ).hiddenShare
    }

    @Test func isAgainstTheShorterOfComputingAndExchanging() {
        #expect(share(step: 5, compute: 3, communication: 2) == 0)
        #expect(share(step: 3, compute: 3, communication: 2) == 1)
        #expect(share(step: 4, compute: 3, communication: 2) == 0.5)
        #expect(share(step: 4, compute: 2, communication: 4) == 1)
        #expect(share(step: 5, compute: 2, communication: 4) == 0.5)
    }

    @Test func whatIsNotWaitedForIsHiddenButForItsWork() {
        let report = OverlapBenchmark.Report(
            step: 4.5, waited: 0.5, compute: 3, communication: 2, meanCompute: 3, microBatches: 1,
            samplesPerSecond: 1)
        #expect(report.hiddenShare == 0.25 && report.shareNotWaitedFor == 0.75)
    }

    @Test func staysWithinItsBounds() {
        #expect(share(step: 9, compute: 3, communication: 2) == 0)
        #expect(share(step: 1, compute: 3, communication: 2) == 1)
        #expect(share(step: 3, compute: 3, communication: 0) == 0)
    }
}
