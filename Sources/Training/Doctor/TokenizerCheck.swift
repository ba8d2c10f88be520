import Model
import QuestionAnswering

/// The vocabulary against the model's embedding, and whether text is normalised as the vocabulary was made.
package struct TokenizerCheck: DoctorCheck {
    let vocabulary: Vocabulary
    let settings: TokenizerSettings
    let configuration: ModelConfiguration
    /// What reading the settings had to tell.
    var notices: [String] = []

    package func findings() -> [Finding] {
        let troubles = [size, hangul, letterCase].compactMap(\.self) + tokenTypes
        let told = notices.map {
            Finding.note(.tokenizer, message: $0, remedy: "put a tokenizer_config.json into the model folder")
        }
        guard troubles.isEmpty else { return troubles + told }
        let accents = settings.stripsAccents ? "accents stripped" : "accents kept"
        return told + [
            .ok(
                .tokenizer,
                "\(vocabulary.count) entries, \(settings.doLowerCase ? "lower-cased" : "case kept"), \(accents)",
                at: vocabulary.source)
        ]
    }

    private var size: Finding? {
        let (entries, rows) = (vocabulary.count, configuration.vocabularySize)
        let state = "the vocabulary has \(entries) entries, the model's embedding \(rows)"
        if entries > rows {
            return .problem(
                .tokenizer, state, at: vocabulary.source,
                remedy: "use the vocab.txt that belongs to the model",
                exitCode: 65)
        }
        // Models round the number up; a hundred rows and more are another vocabulary's.
        guard rows - entries > max(128, rows / 50) else { return nil }
        return .note(
            .tokenizer, state, at: vocabulary.source,
            remedy:
                "see whether this vocab.txt belongs to the model: \(rows - entries) rows would never be used")
    }

    /// Stripping accents takes Hangul syllables apart; a vocabulary has either syllables or their parts.
    private var hangul: Finding? {
        let parts = vocabulary.hangul
        guard parts.syllables > 0 || parts.jamo > 0 else {
            return .note(
                .tokenizer, "the vocabulary has no Hangul: Korean words become [UNK]", at: vocabulary.source,
                remedy: "use a Korean or multilingual model")
        }
        if settings.stripsAccents, parts.syllables > parts.jamo {
            return .problem(
                .tokenizer,
                "accents are stripped, which takes Hangul syllables apart, and the vocabulary has "
                    + "\(parts.syllables) entries of whole syllables",
                at: vocabulary.source,
                remedy: "give --no-strip-accents, or --no-do-lower-case for a cased model")
        }
        if !settings.stripsAccents, parts.jamo > parts.syllables {
            return .problem(
                .tokenizer,
                "Hangul syllables are left whole, and the vocabulary has \(parts.jamo) entries of their parts",
                at: vocabulary.source, remedy: "give --strip-accents")
        }
        return nil
    }

    private var letterCase: Finding? {
        let hasCapitals = vocabulary.hasCapitals
        guard settings.doLowerCase == hasCapitals else { return nil }
        return .note(
            .tokenizer,
            hasCapitals
                ? "text is lower-cased although the vocabulary has entries with capital letters"
                : "text keeps its case although the vocabulary has no capital letter: words with one become [UNK]",
            at: vocabulary.source,
            remedy: hasCapitals
                ? "give --no-do-lower-case unless the model was trained so"
                : "give --do-lower-case --no-strip-accents")
    }

    private var tokenTypes: [Finding] {
        guard configuration.modelType != .roberta, configuration.tokenTypeCount < 2 else { return [] }
        return [
            .note(
                .model, "the model has one token type: question and context are told apart by [SEP] alone",
                at: "type_vocab_size \(configuration.tokenTypeCount)",
                remedy: "see whether config.json is the model's own, most have 2")
        ]
    }
}

extension Vocabulary {
    /// Entries with Hangul syllables, and those with conjoining jamo.
    fileprivate var hangul: (syllables: Int, jamo: Int) {
        var (syllables, jamo) = (0, 0)
        for token in tokens {
            let scalars = token.unicodeScalars
            if scalars.contains(where: { (0xAC00...0xD7A3).contains($0.value) }) { syllables += 1 }
            if scalars.contains(where: { (0x1100...0x11FF).contains($0.value) }) { jamo += 1 }
        }
        return (syllables, jamo)
    }

    /// Entries in brackets such as `[CLS]` are no text.
    fileprivate var hasCapitals: Bool {
        tokens.contains { token in
            !token.hasPrefix("[") && !token.hasPrefix("<")
                && token.unicodeScalars.contains { ("A"..."Z").contains($0) }
        }
    }
}
