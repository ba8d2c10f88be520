import Distributed
import Kernels

/// What matrix products are computed with, as it was asked for, and what this machine makes of it.
struct ProductChoice {
    let precision: Precision
    let allowsSlowPrecision: Bool
    let library: ProductLibrary
    /// Why bfloat16 gains nothing here; nil where it does.
    let slowBrain: SlowPrecision?
    /// Whether this build has `library`.
    let hasLibrary: Bool

    init(_ settings: ComputeSettings, slowBrain: SlowPrecision?, hasLibrary: Bool) {
        precision = settings.precision
        allowsSlowPrecision = settings.allowsSlowPrecision
        library = settings.productLibrary
        self.slowBrain = slowBrain
        self.hasLibrary = hasLibrary
    }

    /// On the machine at hand.
    init(_ settings: ComputeSettings) {
        self.init(
            settings, slowBrain: Precision.slowBrain, hasLibrary: settings.productLibrary.isBuiltIn)
    }

    /// Why the precision gains nothing here; nil where it does.
    private var slowness: SlowPrecision? {
        switch precision {
        case .single: nil
        case .brain: slowBrain
        }
    }

    /// Settles it among all ranks, which may be on machines that differ; every rank must call this.
    ///
    /// - Returns: what to tell the user, the same on every rank.
    /// - Throws: `TrainingError`, on several ranks as `AgreedFailure`, where some machine lacks what was asked for.
    func agree(over communicator: any Communicator) throws -> [String] {
        try communicator.together { try require(host: communicator.host(of: communicator.rank)) }
        return try notices(over: communicator)
    }

    /// Throws for what cannot be here, or would be slower than the default without being asked for all the same.
    func require(host: String) throws {
        guard hasLibrary else {
            throw TrainingError.setting(
                flag: "--product-library \(library.rawValue) on \(host)",
                problem: "this build has no oneDNN",
                remedy: "install libdnnl-dev and build again, or leave the flag out")
        }
        guard let slowness, !allowsSlowPrecision else { return }
        throw TrainingError.setting(
            flag: "--precision \(precision.rawValue) on \(host)", problem: slowness.problem,
            remedy: slowness.remedy)
    }

    /// Tells of a precision that is used although it is slow somewhere.
    private func notices(over communicator: any Communicator) throws -> [String] {
        let reasons = try communicator.allGather(slowness.map { [$0.code] } ?? [])
        let slow = reasons.indices.filter { !reasons[$0].isEmpty }
        guard let first = slow.first, let reason = SlowPrecision(code: reasons[first][0]) else { return [] }
        let others = Set(slow.map(communicator.host(of:))).count - 1
        let place = communicator.host(of: first) + (others > 0 ? " and \(others) more" : "")
        return [
            "--precision \(precision.rawValue) is slower than \(Precision.single.rawValue) here: "
                + "\(reason.short) (\(place))"
        ]
    }
}

extension SlowPrecision {
    fileprivate var problem: String {
        switch self {
        case .withoutLibrary: "this build has no oneDNN, without which bf16 would be slower than fp32"
        case .withoutInstructions:
            "the processor has no bf16 instructions (AVX-512 BF16), so bf16 would be slower than fp32"
        case .withoutUse:
            "oneDNN does not use the processor's bf16 instructions, so bf16 would be slower than fp32"
        }
    }

    fileprivate var remedy: String {
        let anyway = "use fp32, or give --allow-slow-precision to use bf16 all the same"
        switch self {
        case .withoutLibrary: return "install libdnnl-dev and build again, \(anyway)"
        case .withoutInstructions: return anyway
        case .withoutUse:
            return
                "unset ONEDNN_MAX_CPU_ISA where it is set, or take a later release of oneDNN; else \(anyway)"
        }
    }

    fileprivate var short: String {
        switch self {
        case .withoutLibrary: "this build has no oneDNN"
        case .withoutInstructions: "the processor has no bf16 instructions"
        case .withoutUse: "oneDNN does not use the processor's bf16 instructions"
        }
    }

    /// As one rank tells others.
    fileprivate var code: UInt8 {
        switch self {
        case .withoutLibrary: 1
        case .withoutInstructions: 2
        case .withoutUse: 3
        }
    }

    fileprivate init?(code: UInt8) {
        switch code {
        case 1: self = .withoutLibrary
        case 2: self = .withoutInstructions
        case 3: self = .withoutUse
        default: return nil
        }
    }
}

// MARK: What to tell the user

/// What computes products of this precision here, as "OpenBLAS Cooperlake", "products by oneDNN 2.6.3" or
/// "bf16 products by oneDNN 2.6.3".
package func productsName(_ precision: Precision, _ library: ProductLibrary) -> String {
    productsName(
        precision, library, slowBrain: Precision.slowBrain, openBLAS: "OpenBLAS \(blasCoreName())",
        oneDNN: oneDNNVersion().map { "oneDNN \($0)" })
}

/// - oneDNN: its name and version; nil in a build without it.
func productsName(
    _ precision: Precision, _ library: ProductLibrary, slowBrain: SlowPrecision?, openBLAS: String,
    oneDNN: String?
) -> String {
    switch (precision, library) {
    case (.single, .openBLAS): openBLAS
    case (.single, .oneDNN): "products by \(oneDNN ?? openBLAS)"
    // Where bfloat16 is slow, its numbers are multiplied as singles.
    case (.brain, _): "bf16 products by \(slowBrain == nil ? oneDNN ?? openBLAS : openBLAS)"
    }
}

/// What a build lacks that a user could want to know of before asking for it; nil where it lacks nothing.
package func missingLibraryNotice(hasOneDNN: Bool = ProductLibrary.oneDNN.isBuiltIn) -> String? {
    hasOneDNN ? nil : "built without oneDNN: --precision bf16 is not available, fp32 is"
}
