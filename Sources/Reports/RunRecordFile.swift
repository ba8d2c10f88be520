import Checkpoints
import Foundation
import QuestionAnswering

/// What a report needs of `run.json`. Only the settings must be there: older runs lack the rest.
struct RunRecordFile: Sendable {
    static let name = "run.json"

    var run: String?
    var version: String?
    var started: String?
    var settings: [String: SettingValue] = [:]
    var ranks: Int?
    var hosts: [String] = []
    var threads: Int?
    var microBatchTokens: Int?
    var features: Int?
    var totalSteps: Int?
    var mpi: String?
    var blas: [String: SettingValue] = [:]
    var hdf5: [String: SettingValue] = [:]
    /// Hash by path.
    var datasets: [String: String] = [:]
    var lengths: LengthHistogram?
    /// Checksum of the windows that were validated on.
    var validationWindows: String?
    /// The step whose weights are in `final.h5`; nil before the end of a run.
    var finalStep: Int?

    /// - folder: of the run.
    /// - Throws: `CheckpointError`.
    init(folder: String) throws {
        let path = RunFiles.path(Self.name, in: folder)
        guard RunFiles.exists(path) else {
            throw CheckpointError(
                .missingInput, RunFiles.exists(folder) ? "holds no \(Self.name)" : "there is no such folder",
                path: folder, remedy: "name the --output-dir of a dure train")
        }
        let bytes = try MappedFile.contents(of: path, limit: 64 << 20)
        guard let document = try? JSONDecoder().decode(Document.self, fromText: bytes) else {
            throw CheckpointError(
                .badData, "is damaged or no record of a run", path: path,
                remedy: "name the --output-dir of a dure train")
        }
        run = document.run
        version = document.version
        started = document.started
        settings = document.settings
        ranks = document.ranks
        hosts = document.hosts ?? []
        threads = document.threads
        microBatchTokens = document.microBatchTokens
        features = document.features
        totalSteps = document.totalSteps
        mpi = document.mpi
        blas = document.blas ?? [:]
        hdf5 = document.hdf5 ?? [:]
        datasets = document.datasets ?? [:]
        lengths = document.lengths.flatMap(LengthHistogram.init)
        validationWindows = document.validation?.windows
        finalStep = document.final?.step
    }

    private struct Document: Decodable {
        let run: String?
        let version: String?
        let started: String?
        let settings: [String: SettingValue]
        let ranks: Int?
        let hosts: [String]?
        let threads: Int?
        let microBatchTokens: Int?
        let features: Int?
        let totalSteps: Int?
        let mpi: String?
        let blas: [String: SettingValue]?
        let hdf5: [String: SettingValue]?
        let datasets: [String: String]?
        let lengths: LengthHistogram.Document?
        let validation: Validation?
        let final: Final?

        enum CodingKeys: String, CodingKey {
            case run, started, settings, ranks, hosts, features, mpi, blas, hdf5, datasets, validation, final
            case version = "dure_version"
            case threads = "threads_per_rank"
            case microBatchTokens = "micro_batch_tokens"
            case totalSteps = "total_steps"
            case lengths = "sequence_lengths"
        }

        struct Validation: Decodable {
            let windows: String?

            enum CodingKeys: String, CodingKey { case windows = "windows_checksum" }
        }

        struct Final: Decodable { let step: Int? }
    }
}

/// The value of a setting, whatever it is.
enum SettingValue: Decodable, Sendable, Equatable {
    case nothing
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([SettingValue])
    /// An object, of which no setting is made.
    case other

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .nothing
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let values = try? container.decode([SettingValue].self) {
            self = .list(values)
        } else {
            self = .other
        }
    }

    init(_ value: JSONValue) {
        switch value {
        case .null: self = .nothing
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        // As it stands in a file.
        case .float(let value): self = .number(Double(value.description) ?? Double(value))
        case .string(let value): self = .text(value)
        case .array(let values): self = .list(values.map(SettingValue.init))
        case .object: self = .other
        }
    }

    /// As a reader would write it.
    var text: String {
        switch self {
        case .nothing: "–"
        case .boolean(let value): value ? "yes" : "no"
        case .integer(let value): "\(value)"
        case .number(let value): NumberText.plain(value)
        case .text(let value): value
        case .list(let values): values.map(\.text).joined(separator: ", ")
        case .other: "…"
        }
    }

    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The texts of a text or list.
    var texts: [String] {
        switch self {
        case .text(let value): [value]
        case .list(let values): values.flatMap(\.texts)
        default: []
        }
    }

    /// Texts by code points, numbers by value, whether written with a fraction or without.
    static func == (left: SettingValue, right: SettingValue) -> Bool {
        if let left = left.number, let right = right.number { return left == right }
        switch (left, right) {
        case (.nothing, .nothing), (.other, .other): return true
        case (.boolean(let left), .boolean(let right)): return left == right
        case (.text(let left), .text(let right)): return isSameText(left, right)
        case (.list(let left), .list(let right)): return left == right
        default: return false
        }
    }
}
