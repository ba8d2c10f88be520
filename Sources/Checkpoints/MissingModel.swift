import Foundation

/// Messages for a `--model` that leads to no model which can be read: what is there instead, and what to do.
enum MissingModel {
    /// Nothing is at `path`.
    static func nothing(at path: String) -> CheckpointError {
        let what = "there is no such file or folder"
        if path.hasPrefix("~") {
            return missing(
                what, path, "shells know ~ only where a word begins: write --model and a space before it")
        }
        guard let name = hubName(path) else { return missing(what, path, "check the path") }
        let folder = "models/" + name.split(separator: "/").joined(separator: "-")
        return missing(
            what, path,
            "nothing is downloaded here; if this is a model of Hugging Face's hub, fetch it with "
                + "hf download \(name) --local-dir \(folder) (huggingface-cli download in older versions), "
                + "then give --model \(folder); else check the path")
    }

    /// The name that a model has on the hub where `path` is one, or the address of its page; nil for what is more likely
    /// a path.
    static func hubName(_ path: String) -> String? {
        let address = #/https?://(?:huggingface\.co|hf\.co)/([^/]+/[^/]+)(?:/.*)?/#
        if let match = path.wholeMatch(of: address) { return String(match.1) }
        let part = #/[A-Za-z0-9][A-Za-z0-9._-]*/#
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.wholeMatch(of: part) != nil }), let last = parts.last, !isFileName(last)
        else {
            return nil
        }
        // The names without an owner are such as bert-base-cased; a folder here says that a path was meant.
        switch parts.count {
        case 1: return last.contains("-") ? path : nil
        case 2: return WeightFormat.exists(String(parts[0])) ? nil : path
        default: return nil
        }
    }

    private static func isFileName(_ name: some StringProtocol) -> Bool {
        [".h5", ".safetensors", ".bin", ".pt", ".json", ".txt"].contains { name.hasSuffix($0) }
    }

    /// A file that a model folder is made of; nil for any other.
    static func fileOfFolder(_ path: String) -> CheckpointError? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let names = WeightFormat.folderFiles + ["config.json", "vocab.txt", "tokenizer.json"]
        let start = parts.dropLast().joined(separator: "/")
        let folder = parts.count == 1 ? "." : start.isEmpty ? "/" : start
        guard names.contains(where: { $0 == parts.last ?? "" }),
            WeightFormat.exists(file("config.json", in: folder))
        else { return nil }
        return .badData(
            "is one file of a model, whose folder is needed", path: path, remedy: "give --model \(folder)")
    }

    /// A folder without `config.json`.
    static func noConfiguration(in folder: String) -> CheckpointError {
        let names = contents(of: folder)
        let weights = ["final.h5", "best.h5"].filter(names.contains)
        if names.contains("run.json"), !weights.isEmpty {
            return missing(
                "the folder is what a run has left, not a model", folder,
                "name its weights, as --model \(file(weights[0], in: folder))")
        }
        if let model = modelBelow(folder, names) {
            return missing("the model is not in this folder but below it", folder, "give --model \(model)")
        }
        let known = WeightFormat.folderFiles + ["vocab.txt", "tokenizer.json", "tokenizer_config.json"]
        guard known.contains(where: names.contains) else {
            return missing(
                "the folder holds no model", folder,
                "name one with config.json, vocab.txt and weights; here \(told(names))")
        }
        return missing(
            "the model's config.json is missing", file("config.json", in: folder),
            "put the one there that came with the weights")
    }

    /// A folder further down that has a `config.json`: of the hub's cache, or one level.
    private static func modelBelow(_ folder: String, _ names: [String]) -> String? {
        let here = names.prefix(200).map { file($0, in: folder) }.filter(WeightFormat.isFolder)
        let caches = here.filter { $0.hasSuffix("/snapshots") || $0.contains("/models--") }
        let below = caches.flatMap { cache in
            let inside = cache.hasSuffix("/snapshots") ? cache : file("snapshots", in: cache)
            return contents(of: inside).map { file($0, in: inside) }
        }
        return (here + below).last { WeightFormat.exists(file("config.json", in: $0)) }
    }

    /// A folder with `config.json` and without `vocab.txt`.
    static func noVocabulary(in folder: String) -> CheckpointError {
        let names = contents(of: folder)
        if names.contains("tokenizer.json") { return onlySerialized(in: folder) }
        let others = ["vocab.json", "merges.txt"]
        if let other = names.first(where: {
            others.contains($0) || $0.hasSuffix(".model") || $0.hasSuffix(".spm")
        }) {
            return notWordPiece("SentencePiece or byte-level BPE", file(other, in: folder))
        }
        return missing(
            "the model's vocab.txt is missing", file("vocab.txt", in: folder),
            "put the one there that came with the weights")
    }

    private static func onlySerialized(in folder: String) -> CheckpointError {
        struct Serialized: Decodable {
            struct Model: Decodable { let type: String? }
            let model: Model
        }
        let path = file("tokenizer.json", in: folder)
        let bytes = try? MappedFile.contents(of: path)
        let type = bytes.flatMap { try? JSONDecoder().decode(Serialized.self, from: Data($0)) }?.model.type
        if let type, type != "WordPiece" { return notWordPiece(type, path) }
        return missing(
            "the tokenizer is in tokenizer.json alone, as transformers 5 saves it, and vocab.txt is missing",
            folder, "write it from the other: in that folder run \(Self.vocabularyCommand)")
    }

    /// Writes the vocabulary of a `tokenizer.json`, an entry a line.
    private static let vocabularyCommand =
        #"python3 -c 'import json; v = json.load(open("tokenizer.json", encoding="utf-8"))["model"]["vocab"]; "#
        + #"open("vocab.txt", "w", encoding="utf-8").write("\n".join(sorted(v, key=v.get)) + "\n")'"#

    private static func notWordPiece(_ kind: String, _ path: String) -> CheckpointError {
        .badData(
            "the model's tokenizer is not WordPiece, the only one there is here, but \(kind)", path: path,
            remedy: "use a model that comes with a vocab.txt, as klue/roberta-base does")
    }

    /// A folder without any of the files that weights are read from.
    static func noWeights(in folder: String) -> CheckpointError {
        let names = contents(of: folder)
        let needed = WeightFormat.folderFiles.joined(separator: " or ")
        for (isOne, sentence) in others {
            guard let name = names.first(where: isOne) else { continue }
            return missing("the folder holds no weights that are read here", folder, "\(name) \(sentence)")
        }
        return missing("the folder holds no weights", folder, "put the model's \(needed) there")
    }

    private static let save = "load the model in transformers and save_pretrained() it"

    /// Weights that are not read, or not by this name; the first that is there counts.
    private static let others: [(isOne: @Sendable (String) -> Bool, sentence: String)] = [
        (
            { $0.hasPrefix("adapter_model.") },
            "is an adapter: merge it into its model with peft, and save that"
        ),
        (
            { $0.wholeMatch(of: #/.+-\d+-of-\d+\.(?:safetensors|bin)/#) != nil },
            "is one part of several: put their index (.index.json) there too"
        ),
        ({ $0.hasSuffix(".safetensors") }, "is not looked for: call it model.safetensors"),
        (
            { $0.hasSuffix(".ckpt.index") || $0.hasSuffix(".ckpt.meta") || $0.contains(".ckpt.data-") },
            "is a checkpoint of TensorFlow 1: \(save), from_tf=True"
        ),
        ({ $0.hasSuffix(".onnx") }, "is for ONNX Runtime: fetch the model's model.safetensors"),
        ({ $0.hasSuffix(".gguf") }, "is for llama.cpp: fetch the model's model.safetensors"),
        ({ $0.hasSuffix(".msgpack") }, "is for Flax: \(save), from_flax=True"),
        (
            {
                $0 == "rust_model.ot" || $0.hasPrefix("openvino") || $0.hasSuffix(".tflite")
                    || $0.hasSuffix(".mlmodel")
            },
            "is for another program: fetch the model's model.safetensors"
        ),
        (
            { [".pt", ".pth", ".bin", ".ckpt"].contains(where: $0.hasSuffix) && $0 != "training_args.bin" },
            "is not looked for: if it is a state_dict of PyTorch, call it pytorch_model.bin"
        ),
        (
            { $0.hasSuffix(".h5") },
            "is not looked for: call it tf_model.h5 if Keras wrote it, else give its path to --model"
        ),
    ]

    // MARK: Folders

    private static func missing(_ what: String, _ path: String, _ remedy: String) -> CheckpointError {
        CheckpointError(.missingInput, what, path: path, remedy: remedy)
    }

    private static func file(_ name: String, in folder: String) -> String {
        folder + (folder.hasSuffix("/") ? "" : "/") + name
    }

    private static func contents(of folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private static func told(_ names: [String]) -> String {
        guard !names.isEmpty else { return "is nothing" }
        let more = names.count > 5 ? " and \(names.count - 5) more" : ""
        return "are \(names.prefix(5).joined(separator: ", "))\(more)"
    }
}
