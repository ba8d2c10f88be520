import Distributed
import Kernels
import TestSupport
import Testing

@testable import Training

@Suite struct ProductChoiceTests {
    private static func settings(
        _ precision: Precision = .brain, allowsSlow: Bool = false, _ library: ProductLibrary = .openBLAS
    ) -> ComputeSettings {
        var settings = ComputeSettings()
        settings.precision = precision
        settings.allowsSlowPrecision = allowsSlow
        settings.productLibrary = library
        return settings
    }

    private static func agree(
        _ settings: ComputeSettings, slow: SlowPrecision? = nil, hasLibrary: Bool = true,
        over communicator: any Communicator = SingleProcess()
    ) throws -> [String] {
        try ProductChoice(settings, slowBrain: slow, hasLibrary: hasLibrary).agree(over: communicator)
    }

    @Test func whatTheMachineHasGoesWithoutAWord() throws {
        #expect(try Self.agree(Self.settings()).isEmpty)
        #expect(try Self.agree(Self.settings(allowsSlow: true)).isEmpty)
        #expect(try Self.agree(Self.settings(.single, .oneDNN)).isEmpty)
        for slow in [SlowPrecision.withoutLibrary, .withoutInstructions, .withoutUse] {
            #expect(try Self.agree(Self.settings(.single), slow: slow).isEmpty)
            #expect(try Self.agree(Self.settings(.single, allowsSlow: true), slow: slow).isEmpty)
        }
    }

    @Test(
        arguments: [
            (.withoutLibrary, ["this build has no oneDNN", "install libdnnl-dev and build again"]),
            (.withoutInstructions, ["the processor has no bf16 instructions (AVX-512 BF16)"]),
            (.withoutUse, ["oneDNN does not use the processor's bf16 instructions", "ONEDNN_MAX_CPU_ISA"]),
        ] as [(SlowPrecision, [String])])
    func aSlowPrecisionIsRefusedWithTheReason(slow: SlowPrecision, words: [String]) throws {
        let error = try #require(
            TrainingError.thrown { _ = try Self.agree(Self.settings(), slow: slow) })
        #expect(error.exitCode == 64)
        let place = "slower than fp32 (--precision bf16 on \(SingleProcess().host(of: 0))): "
        for word in words + [place, "use fp32, or give --allow-slow-precision"] {
            #expect(error.description.contains(word), "\(error)")
        }
        let notices = try Self.agree(Self.settings(allowsSlow: true), slow: slow)
        #expect(notices.count == 1 && notices[0].hasPrefix("--precision bf16 is slower than fp32 here: "))
        #expect(notices[0].split(separator: "\n").count == 1)
    }

    @Test func aLibraryThatIsNotBuiltInIsRefused() throws {
        for allows in [false, true] {
            let settings = Self.settings(.single, allowsSlow: allows, .oneDNN)
            let error = try #require(
                TrainingError.thrown { _ = try Self.agree(settings, hasLibrary: false) })
            #expect(error.exitCode == 64)
            #expect(error.description.hasPrefix("this build has no oneDNN (--product-library onednn on "))
            #expect(error.description.contains("install libdnnl-dev and build again"))
        }
    }

    /// Of four ranks on two hosts, those of the second have a processor without the instructions.
    @Test func aHostThatLacksItStopsAllAndIsNamed() throws {
        let hosts = [0, 0, 1, 1]
        let slow = { @Sendable (communicator: any Communicator) -> SlowPrecision? in
            communicator.rank < 2 ? nil : .withoutInstructions
        }
        for outcome in onRanks(
            4, hosts: hosts,
            {
                try Self.agree(Self.settings(), slow: slow($0), over: $0)
            })
        {
            let failure = try #require(throws: AgreedFailure.self) { _ = try outcome.get() }
            #expect(failure.exitCode == 64 && failure.rank == 2)
            #expect(failure.description.contains("(--precision bf16 on host1)"))
        }
        let notices = try valuesOnRanks(4, hosts: hosts) {
            try Self.agree(Self.settings(allowsSlow: true), slow: slow($0), over: $0)
        }
        #expect(Set(notices).count == 1 && notices[0].count == 1)
        #expect(notices[0][0].hasSuffix("the processor has no bf16 instructions (host1)"))
        let everywhere = try valuesOnRanks(3) {
            try Self.agree(Self.settings(allowsSlow: true), slow: .withoutLibrary, over: $0)
        }
        #expect(everywhere[2][0].hasSuffix("this build has no oneDNN (host0 and 2 more)"))
    }

    @Test func productsAreNamedAsTheyAreComputed() {
        func name(
            _ precision: Precision, _ library: ProductLibrary = .openBLAS, slow: SlowPrecision? = nil
        ) -> String {
            productsName(
                precision, library, slowBrain: slow, openBLAS: "OpenBLAS Zen",
                oneDNN: slow == .withoutLibrary ? nil : "oneDNN 1.2.3")
        }
        #expect(name(.single) == "OpenBLAS Zen")
        #expect(name(.single, .oneDNN) == "products by oneDNN 1.2.3")
        #expect(name(.brain) == "bf16 products by oneDNN 1.2.3")
        #expect(name(.brain, slow: .withoutInstructions) == "bf16 products by OpenBLAS Zen")
        #expect(name(.brain, slow: .withoutLibrary) == "bf16 products by OpenBLAS Zen")
        #expect(productsName(.single, .openBLAS) == "OpenBLAS \(blasCoreName())")
    }

    @Test func onlyABuildWithoutTheLibrarySaysSo() {
        #expect(missingLibraryNotice(hasOneDNN: true) == nil)
        let notice = missingLibraryNotice(hasOneDNN: false)
        #expect(notice?.contains("built without oneDNN: --precision bf16 is not available") == true)
        #expect((oneDNNVersion() == nil) == !ProductLibrary.oneDNN.isBuiltIn)
    }
}
