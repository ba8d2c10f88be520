import Foundation

/// Room for what a run of this model leaves in its output folder.
package struct DiskCheck: DoctorCheck {
    let folder: String
    /// Floats of the model; nil without one.
    let parameters: Int?
    /// `--save-total-limit`.
    let savedLimit: Int
    /// Bytes that may still be written there.
    let freeBytes: Int?
    /// Whether the file system is memory.
    let isInMemory: Bool
    /// Bytes that memory has for it then.
    var availableMemory = SystemMemory().available

    package init(
        folder: String, parameters: Int?, savedLimit: Int, freeBytes: Int?, isInMemory: Bool,
        availableMemory: Int = SystemMemory().available
    ) {
        self.folder = folder
        self.parameters = parameters
        self.savedLimit = savedLimit
        self.freeBytes = freeBytes
        self.isInMemory = isInMemory
        self.availableMemory = availableMemory
    }

    package func findings() -> [Finding] {
        guard let freeBytes else { return [] }
        let room = isInMemory ? min(freeBytes, availableMemory) : freeBytes
        let free = MemoryEstimate.text(room)
        guard let parameters else {
            return [.ok(.disk, "\(free) are free", at: folder)]
        }
        let needed = Self.bytes(parameters: parameters, savedLimit: savedLimit)
        let state =
            "\(free) are free, a run leaves up to \(MemoryEstimate.text(needed)): \(savedLimit + 2) checkpoints "
            + "of \(MemoryEstimate.text(Self.checkpoint(parameters))), best.h5 and final.h5"
        guard needed > room else { return [.ok(.disk, state, at: folder)] }
        return [
            .problem(
                .disk, state, at: folder,
                remedy: "make room, name another folder, or lower --save-total-limit from \(savedLimit)",
                exitCode: 74)
        ]
    }

    /// Parameters and two moments of the optimizer.
    static func checkpoint(_ parameters: Int) -> Int { saturating(parameters, 3 * 4) }

    /// The checkpoints that are kept, the best one beside them and one that is being written, and the weights of best
    /// and last step.
    static func bytes(parameters: Int, savedLimit: Int) -> Int {
        let checkpoints = saturating(checkpoint(parameters), savedLimit + 2)
        let (sum, isHuge) = checkpoints.addingReportingOverflow(saturating(parameters, 2 * 4))
        return isHuge ? .max : sum
    }

    private static func saturating(_ left: Int, _ right: Int) -> Int {
        let (product, isHuge) = left.multipliedReportingOverflow(by: right)
        return isHuge ? .max : product
    }
}
