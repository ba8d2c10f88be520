import Foundation

/// The files of a run's folder.
enum RunFiles {
    static let metrics = "metrics.jsonl"
    static let candidates = "eval_nbest_predictions.json"
    static let answers = "eval_predictions.json"
    static let results = "eval_results.json"
    static let best = "best.h5"

    static func path(_ name: String, in folder: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
