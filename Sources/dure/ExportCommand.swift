import ArgumentParser
import Training

struct ExportCommand: ConfiguredCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a fine-tuned model in the form other programs read.",
        discussion: """
            dure export --checkpoint OUT/final.h5 --format hf --output MODEL

            hf is a model folder with model.safetensors, tf the same with tf_model.h5 for TensorFlow, hdf5 a \
            checkpoint file without the state of training.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case hf
        case tf
        case hdf5
    }

    @Option(help: "Checkpoint (.h5) or model folder.", completion: .file())
    var checkpoint: String

    @Option(help: "The form to write.")
    var format: Format

    @Option(help: "The folder to make, or the file for hdf5.", completion: .file())
    var output: String

    @OptionGroup(title: "Settings") var config: ConfigurationOptions

    func run() throws {
        let export = try ModelExport(path: checkpoint)
        for notice in export.notices { printMessage(notice) }
        var notices: [String] = []
        switch format {
        case .hf: notices = try export.writeFolder(output, weights: .safetensors)
        case .tf: notices = try export.writeFolder(output, weights: .keras)
        case .hdf5: try export.writeCheckpoint(to: output)
        }
        for notice in notices { printMessage(notice) }
        printMessage("wrote \(output): \(export.parameterCount) parameters")
    }
}
