/// A setting of `run_qa.py`, `TrainingArguments` or an older script that goes by another name here, or that nothing
/// here needs.
struct TransformersName {
    /// As it is written there, without dashes.
    let name: String
    /// What to write instead, the first that the command at hand has.
    let flags: [String]
    /// What stands after the flag, or the meaning of the difference.
    let value: String
    /// Why it differs, or is not needed.
    let note: String

    init(_ name: String, _ flags: String..., value: String = "", note: String) {
        self.name = name
        self.flags = flags
        self.value = value
        self.note = note
    }

    /// What is known of `name`, however its words are told apart.
    static func of(_ name: String) -> TransformersName? { all[NearestName.kebab(name)] }

    /// What to write instead where there are these flags; nil where nothing is needed.
    func replacement(_ isFlag: (String) -> Bool) -> String? {
        flags.first(where: isFlag).map { "--\($0)" + (value.isEmpty ? "" : " \(value)") }
    }

    private static let all = Dictionary(table.map { (NearestName.kebab($0.name), $0) }) { first, _ in first }

    static let table = paths + batches + reporting + machine
}

// MARK: The table

extension TransformersName {
    private static let paths = [
        TransformersName("model_name_or_path", "model", note: "a folder or file; nothing is downloaded"),
        TransformersName("config_name", note: "config.json of the model folder"),
        TransformersName("tokenizer_name", note: "the tokenizer of the model folder"),
        TransformersName("model_type", note: "config.json of the model folder says it"),
        TransformersName("use_fast_tokenizer", note: "there is one tokenizer, which is fast"),
        TransformersName("cache_dir", note: "nothing is downloaded; --feature-cache keeps windows"),
        TransformersName("model_revision", note: "nothing is downloaded"),
        TransformersName("token", note: "nothing is downloaded"),
        TransformersName("use_auth_token", note: "nothing is downloaded"),
        TransformersName("trust_remote_code", note: "no code of a model is run"),
        TransformersName(
            "dataset_name", "train-file", "dataset", note: "a file; KorQuAD, SQuAD, KLUE-MRC are recognised"),
        TransformersName("dataset_config_name", note: "the kind of a dataset shows in its content"),
        TransformersName("predict_file", "validation-file", "dataset", note: "the name of older scripts"),
        TransformersName("test_file", "dataset", note: "the file to predict"),
        TransformersName("overwrite_output_dir", note: "an earlier run is kept, under earlier-1"),
        TransformersName(
            "overwrite_cache", "no-feature-cache", note: "kept windows are used only where all is the same"),
        TransformersName("do_train", note: "dure train trains"),
        TransformersName(
            "do_eval", "eval-strategy", value: "epoch", note: "is the default; or dure evaluate"),
        TransformersName("do_predict", note: "dure evaluate predicts"),
        TransformersName("data_dir", note: "name the files themselves"),
        TransformersName(
            "resume_from_checkpoint", "resume", note: "the newest checkpoint, or the one named"),
    ]

    private static let batches = [
        TransformersName(
            "per_device_eval_batch_size", "micro-batch-tokens",
            note: "tokens at once: bounds memory, changes no result"),
        TransformersName(
            "per_gpu_train_batch_size", "per-device-train-batch-size", note: "a rank's features"),
        TransformersName("per_gpu_eval_batch_size", "micro-batch-tokens", note: "likewise"),
        TransformersName("train_batch_size", "batch-size", note: "over all ranks"),
        TransformersName("eval_batch_size", "micro-batch-tokens", note: "likewise"),
        TransformersName("eval_accumulation_steps", note: "logits do not pile up"),
        TransformersName(
            "auto_find_batch_size",
            note: "micro-batches fit into memory by themselves, at the same batch size"
        ),
        TransformersName("pad_to_max_length", note: "nothing is padded"),
        TransformersName("group_by_length", note: "nothing is padded, and ranks get equal work"),
        TransformersName("dataloader_drop_last", note: "the last batch of an epoch is a smaller one"),
        TransformersName("evaluation_strategy", "eval-strategy", note: "the older name"),
        TransformersName(
            "evaluate_during_training", "eval-strategy", value: "steps", note: "the older name"),
        TransformersName("max_predict_samples", "max-eval-samples", note: "how many questions to answer"),
        TransformersName("optim", note: "the optimizer is AdamW"),
        TransformersName("adafactor", note: "the optimizer is AdamW"),
        TransformersName(
            "attention_probs_dropout_prob", "attention-dropout-prob", note: "the name in config.json"),
        TransformersName("label_smoothing_factor", "label-smoothing", note: "the same share"),
        TransformersName(
            "lr_scheduler_kwargs", "lr-restarts", note: "--lr-restarts, --restart-epochs or --gamma"),
        TransformersName("lr", "learning-rate", note: "a common short name"),
        TransformersName("epochs", "num-train-epochs", note: "a common short name"),
        TransformersName("num_epochs", "num-train-epochs", note: "a common short name"),
        TransformersName("max_length", "max-seq-length", note: "the tokenizer's name"),
        TransformersName("stride", "doc-stride", note: "the tokenizer's name"),
        TransformersName("data_seed", "seed", note: "one seed decides all"),
    ]

    private static let reporting = [
        TransformersName("greater_is_better", note: "follows from --metric-for-best-model"),
        TransformersName("eval_delay", note: "evaluations begin with the first epoch or step that asks"),
        TransformersName(
            "logging_strategy", "logging-steps", note: "a line of metrics every so many steps"),
        TransformersName("logging_dir", "output-dir", note: "metrics and TensorBoard's events are there"),
        TransformersName("logging_first_step", "logging-steps", value: "1", note: "every step"),
        TransformersName(
            "report_to", note: "TensorBoard's events, report.html and metrics.jsonl are always written"),
        TransformersName("run_name", "output-dir", note: "a run goes by its folder"),
        TransformersName("disable_tqdm", "quiet", note: "progress is on stderr only"),
        TransformersName("log_level", "quiet", note: "logs are on stderr only"),
        TransformersName("verbose_logging", note: "logs are on stderr"),
        TransformersName("save_safetensors", note: "dure export --format hf writes model.safetensors"),
        TransformersName("save_only_model", "save-strategy", value: "no", note: "final.h5 is always left"),
        TransformersName("push_to_hub", note: "nothing is uploaded; dure export makes the folder"),
        TransformersName("prediction_loss_only", note: "evaluations have loss and all metrics"),
        TransformersName("remove_unused_columns", note: "datasets are read as they are"),
        TransformersName("label_names", note: "labels are the start and the end"),
        TransformersName("ignore_data_skip", note: "a resumed run goes on where it was"),
    ]

    private static let machine = [
        TransformersName(
            "fp16", "precision", value: "bf16",
            note: "training is in fp32 by default; processors' 16 bits are bfloat16"),
        TransformersName("bf16", "precision", value: "bf16", note: "training is in fp32 by default"),
        TransformersName(
            "fp16_full_eval", "precision", value: "bf16",
            note: "one flag for training and evaluation; processors' 16 bits are bfloat16"),
        TransformersName(
            "bf16_full_eval", "precision", value: "bf16", note: "one flag for training and evaluation"),
        TransformersName("tf32", note: "processors have no TF32"),
        TransformersName("fp16_opt_level", note: "there is no loss scaling to choose"),
        TransformersName("half_precision_backend", note: "bf16 has one backend, oneDNN"),
        TransformersName("no_cuda", note: "training is on processors"),
        TransformersName("use_cpu", note: "training is on processors"),
        TransformersName("n_gpu", note: "mpirun -n N, or launch/local N, starts N ranks"),
        TransformersName("local_rank", note: "MPI tells every rank its number"),
        TransformersName("nproc_per_node", note: "launch/local N starts N ranks"),
        TransformersName("ddp_backend", note: "ranks talk by MPI"),
        TransformersName("ddp_find_unused_parameters", note: "every parameter is used"),
        TransformersName("ddp_bucket_cap_mb", "gradient-bucket-megabytes", note: "the same, 25 by default"),
        TransformersName("ddp_timeout", "collective-timeout", note: "seconds, 600 by default"),
        TransformersName("fsdp", "shard-optimizer", note: "is the default: optimizer state is shared out"),
        TransformersName("deepspeed", "shard-optimizer", note: "is the default, as ZeRO-1"),
        TransformersName("dataloader_num_workers", "threads", note: "one pool of threads does all"),
        TransformersName("dataloader_pin_memory", note: "there is no other memory to copy to"),
        TransformersName("preprocessing_num_workers", "threads", note: "ranks and threads share that work"),
        TransformersName("torch_compile", note: "there is nothing to compile"),
        TransformersName("jit_mode_eval", note: "there is nothing to compile"),
        TransformersName(
            "full_determinism", "deterministic-reduction",
            note: "one number of ranks always makes the same bits; the flag makes them so on 1, 2, 4 …"),
    ]
}
