/// What people want of commands, in the order in which help shows them.
enum HelpPurpose: String, CaseIterable {
    case prepare = "Get ready"
    case train = "Train"
    case use = "Use and score a model"
    case look = "Look inside and measure"
    case other = "Shell"
}

/// What help says about a command besides what its declaration does.
struct CommandHelp {
    let purpose: HelpPurpose
    /// A command line that works.
    let example: String
    /// What examples add to it for a group of flags, where that is not what `tails` say.
    var examples: [HelpGroup: String] = [:]
    /// Where words that it needs stand, if its declaration does not tell.
    var synopsis: String?
    /// What it reads and writes.
    var files: [(name: String, content: String)] = []
    /// Where to read on.
    var further = "README.md"

    /// What examples of all commands add for a group of flags.
    private static let tails: [HelpGroup: String] = [
        .data: "",
        .batches: "--batch-size 32 --num-train-epochs 2",
        .optimizer: "--learning-rate 3e-5 --weight-decay 0.01",
        .schedule: "--lr-scheduler-type cosine --warmup-ratio 0.1",
        .tuning: "--freeze-embeddings --layerwise-lr-decay 0.9",
        .windows: "--max-seq-length 300 --doc-stride 100",
        .answers: "--version-2-with-negative --max-answer-length 50",
        .validation: "--validation-split 0.1 --metric-for-best-model f1 --load-best-model-at-end",
        .saving: "--save-strategy steps --save-steps 1000 --resume",
        .compute: "--threads 8",
        .ranks: "--collective-timeout 120",
        .measuring: "--size minilm",
        .text: "--no-do-lower-case",
        .settings: "--config launch/recipes/koelectra-korquad.yaml",
    ]

    /// A command line that works and shows what flags of `group` do; nil where there is none to show.
    func example(of group: HelpGroup) -> String? {
        guard let tail = examples[group] ?? Self.tails[group] else { return nil }
        // What is a command line of its own stands for the whole.
        if tail.contains("dure ") || tail.isEmpty { return tail.isEmpty ? example : tail }
        return "\(example) \(tail)"
    }

    /// Of the command at `path`.
    static func of(_ path: [String]) -> CommandHelp? { all[path.joined(separator: " ")] }

    private static let all = [
        "init": CommandHelp(
            purpose: .prepare,
            example: "dure init --config config.json --vocab vocab.txt --output models/random",
            files: [
                ("config.json, vocab.txt", "read: architecture and vocabulary"),
                ("OUTPUT/", "a model folder with model.safetensors and tokenizer_config.json"),
            ]),
        "prepare": CommandHelp(
            purpose: .prepare,
            example: "dure prepare --model models/kcbert --dataset KorQuAD_v1.0_train.json --output train.h5",
            examples: [.watching: "--quiet"],
            files: [("OUTPUT", "windows as HDF5 (.h5), TFRecord (.tfrecord) or JSON lines (.jsonl)")],
            further: "README.md, How text becomes features"),
        "doctor": CommandHelp(
            purpose: .prepare, example: "dure doctor --model models/kcbert --dataset KorQuAD_v1.0_train.json",
            examples: [
                .batches: "--batch-size 32", .answers: "--max-answer-length 50",
                .validation: "--validation-file KorQuAD_v1.0_dev.json", .saving: "--save-total-limit 5",
                .tuning: "--freeze-layers 2", .compute: "--gradient-checkpointing", .watching: "--json",
            ],
            further: "README.md, Before a long run"),
        "train": CommandHelp(
            purpose: .train,
            example: """
                dure train --model models/kcbert --train-file KorQuAD_v1.0_train.json --output-dir output/run
                """,
            examples: [.watching: "--logging-steps 1"],
            files: [
                ("OUTPUT-DIR/", "run.json, metrics.jsonl, checkpoints/, best.h5, final.h5, predictions"),
                ("OUTPUT-DIR/run.json", "the settings of the run; --config takes it to repeat the run"),
            ],
            further: """
                README.md, What a run leaves in --output-dir, and Coming from run_qa.py; launch/recipes/README.md
                """),
        "report": CommandHelp(
            purpose: .train, example: "dure report output/run",
            files: [
                ("RUN/", "read: run.json, metrics.jsonl and predictions; the dataset that run.json names"),
                ("OUTPUT", "one HTML file that needs nothing else"),
            ],
            further: "README.md, Watch a run"),
        "evaluate": CommandHelp(
            purpose: .use,
            example:
                "dure evaluate --model output/run/final.h5 --dataset KorQuAD_v1.0_dev.json --output-dir output/dev",
            examples: [.watching: "--show-samples 5", .validation: "--max-eval-samples 500"],
            synopsis: "--model <path> ... --dataset <file> --output-dir <folder> [flags]",
            files: [
                (
                    "OUTPUT-DIR/",
                    "eval_predictions.json and .csv, eval_nbest_predictions.json, eval_results.json"
                ),
                ("SAVE-LOGITS", "logits, to choose answers from again with --logits"),
            ],
            further: "README.md, Evaluate, ask, look inside"),
        "answer": CommandHelp(
            purpose: .use,
            example: """
                dure answer --model output/run/final.h5 --question '두레는 무엇인가?' \
                --context '두레는 마을의 공동 노동 조직이다.'
                """,
            examples: [.answers: "--top-k 3", .watching: "--quiet"],
            files: [("stdin", "without --question: lines of {\"id\",\"question\",\"context\"}")],
            further: "README.md, Evaluate, ask, look inside"),
        "score": CommandHelp(
            purpose: .use,
            example:
                "dure score --dataset KorQuAD_v1.0_dev.json --predictions output/dev/eval_predictions.json",
            files: [("PREDICTIONS", "read: {\"id\": \"answer\", …}")],
            further: "README.md, Evaluate, ask, look inside"),
        "tokenize": CommandHelp(
            purpose: .look, example: "dure tokenize --model models/kcbert",
            files: [("stdin", "text, a line each")]),
        "export": CommandHelp(
            purpose: .use,
            example: "dure export --checkpoint output/run/final.h5 --format hf --output models/korquad",
            files: [
                ("OUTPUT/", "hf, tf: a model folder with model.safetensors or tf_model.h5"),
                ("OUTPUT", "hdf5: a checkpoint file without the state of training"),
            ]),
        "inspect": CommandHelp(
            purpose: .look, example: "dure inspect output/run/final.h5",
            examples: [.watching: "dure inspect --diff output/run/best.h5 output/run/final.h5"],
            synopsis: "[flags] <path> [<path>]"),
        "bench": CommandHelp(
            purpose: .look, example: "dure bench step --size minilm", synopsis: "<what> [flags]"),
        "bench gemm": CommandHelp(
            purpose: .look, example: "dure bench gemm", examples: [.watching: "--json"],
            further: "README.md, Speed and memory"),
        "bench kernels": CommandHelp(
            purpose: .look, example: "dure bench kernels", examples: [.watching: "--json"],
            further: "README.md, Speed and memory"),
        "bench step": CommandHelp(
            purpose: .look, example: "dure bench step",
            examples: [
                .measuring: "--size minilm --profile", .tuning: "--freeze-embeddings", .watching: "--json",
            ],
            further: "README.md, Speed and memory"),
        "bench comm": CommandHelp(
            purpose: .look, example: "dure bench comm",
            examples: [.tuning: "--freeze-embeddings", .watching: "--json"],
            further: "README.md, How ranks work together"),
        "bench tokenize": CommandHelp(
            purpose: .look,
            example: "dure bench tokenize --model models/kcbert --dataset KorQuAD_v1.0_dev.json",
            examples: [.watching: "--json"], further: "README.md, Speed and memory"),
        "completion": CommandHelp(
            purpose: .other, example: "dure completion bash", synopsis: "<shell>",
            further: "README.md, Completion in the shell"),
    ]
}
