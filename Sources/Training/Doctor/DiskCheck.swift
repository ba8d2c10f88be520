import Foundation

/// Room for what a run of this model leaves in its output folder.
package struct DiskCheck: DoctorCheck {
    let folder: String
    /// Floats of the model; nil without one.
    let parameters: Int?
    /// `--save-total-limit`.
    let savedLimit: Int
    /// Files that the run leaves; nil reckons with all that a run could leave.
    var extent: RunExtent?
    /// Bytes that may still be written there.
    let freeBytes: Int?
    /// Whether the file system is memory.
    let isInMemory: Bool
    /// Bytes that memory has for it then.
    var availableMemory = SystemMemory().available

    package init(
        folder: String, parameters: Int?, savedLimit: Int, extent: RunExtent? = nil, freeBytes: Int?,
        isInMemory: Bool,
        availableMemory: Int = SystemMemory().available
    ) {
        self.folder = folder
        self.parameters = parameters
        self.savedLimit = savedLimit
        self.extent = extent
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
        let extent = extent ?? RunExtent(checkpoints: savedLimit + 2)
        let needed = extent.bytes(parameters: parameters)
        let state = "\(free) are free, a run leaves up to \(extent.description(parameters: parameters))"
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

    fileprivate static func saturating(_ left: Int, _ right: Int) -> Int {
        let (product, isHuge) = left.multipliedReportingOverflow(by: right)
        return isHuge ? .max : product
    }
}

/// Bytes of all that a run leaves in its output folder.
package struct RunExtent: Sendable, Equatable {
    /// Those that are kept, the best one beside them, and one that is being written.
    var checkpoints: Int
    /// Whether there is a `best.h5` beside `final.h5`.
    var keepsBest = true
    /// Bytes of predictions and n-best lists.
    var predictions = 0
    /// Bytes that are there already and go, or count among those above.
    var present = 0

    package func bytes(parameters: Int) -> Int {
        let parts = [
            DiskCheck.saturating(DiskCheck.checkpoint(parameters), checkpoints),
            DiskCheck.saturating(parameters, (keepsBest ? 2 : 1) * 4), predictions,
        ]
        let sum = parts.reduce(0) { sum, part in
            let (result, isHuge) = sum.addingReportingOverflow(part)
            return isHuge ? .max : result
        }
        return max(0, sum - present)
    }

    func description(parameters: Int) -> String {
        let each = MemoryEstimate.text(DiskCheck.checkpoint(parameters))
        let parts = [
            checkpoints > 0 ? "\(counted(checkpoints, "checkpoint")) of \(each)" : nil,
            keepsBest ? "best.h5 and final.h5" : "final.h5",
            predictions > 0 ? "predictions" : nil,
        ].compactMap(\.self)
        return MemoryEstimate.text(bytes(parameters: parameters)) + (present > 0 ? " more: " : ": ")
            + parts.joined(separator: ", ")
    }
}
