import Checkpoints
import Distributed
import Model
import QuestionAnswering

// Targets below do not know the interface's exit codes; here each kind of failure gets its own.

extension CheckpointError: ExitCoded {
    package var exitCode: Int32 {
        switch category {
        case .badData: 65
        case .missingInput: 66
        case .cannotCreate: 73
        case .ioFailed: 74
        }
    }
}

extension DatasetError: ExitCoded {
    package var exitCode: Int32 {
        switch kind {
        case .badData: 65
        case .missingInput: 66
        case .unreadableInput: 74
        }
    }
}

extension TextError: ExitCoded {
    package var exitCode: Int32 { isMissingInput ? 66 : 65 }
}

extension FeatureError: ExitCoded {
    package var exitCode: Int32 {
        switch self {
        case .sequenceTooShort, .strideTooLarge, .emptyQuery: 64
        case .questionTooLong, .nonFiniteLogits: 65
        }
    }
}

extension ModelError: ExitCoded {
    package var exitCode: Int32 { 65 }
}
