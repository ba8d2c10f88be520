/// BERT's tokenizer: normalisation, splitting at white space and punctuation, WordPiece.
///
/// Tokens, ids and offsets equal those of Hugging Face `tokenizers` (BertNormalizer, BertPreTokenizer, WordPiece,
/// added tokens), the reference named in the design.
package struct WordPieceTokenizer: Tokenizer {
    package let vocabulary: Vocabulary
    package let settings: TokenizerSettings
    package let specialTokenIDs: SpecialTokenIDs
    /// Id of the token for words that the vocabulary cannot spell.
    package let unknownTokenID: Int32

    private let trie: WordPieceTrie
    private let table: CodePointTable
    private let normalizer: TextNormalizer
    /// Added tokens sought in the original text, and in the normalised one.
    private let originalMatcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

    /// - Throws: `TextError.missingSpecialToken` when the vocabulary lacks the unknown, separator, padding or
    ///   classification token of the settings. A mask token is not needed.
    package init(vocabulary: Vocabulary, settings: TokenizerSettings) throws {
        func place(_ token: AddedToken) -> Int32? {
            vocabulary.id(of: token.content) ?? settings.additionalID(of: token)
        }
        func id(_ token: AddedToken) throws -> Int32 {
            guard let id = place(token) else {
                throw TextError.missingSpecialToken(path: vocabulary.source, token: token.content)
            }
            return id
        }
        self.vocabulary = vocabulary
        self.settings = settings
        unknownTokenID = try id(settings.unknownToken)
        specialTokenIDs = SpecialTokenIDs(
            classification: try id(settings.classificationToken), separator: try id(settings.separatorToken),
            padding: try id(settings.paddingToken))
        trie = WordPieceTrie(vocabulary)
        table = CodePointTable(settings: settings)
        let normalizer = TextNormalizer(settings: settings)
        self.normalizer = normalizer
        let sought = settings.soughtTokens.compactMap { token in
            place(token).map { (token: token, id: $0) }
        }
        originalMatcher = AddedTokenMatcher(
            sought.filter { !$0.token.normalized }
                .map { (scalars: $0.token.content.unicodeScalars.map(\.value), id: $0.id, token: $0.token) })
        normalizedMatcher = AddedTokenMatcher(
            sought.filter(\.token.normalized).map { token, id in
                let scalars = normalizer.normalize(token.content.unicodeScalars.map(\.value)).scalars
                return (scalars: scalars, id: id, token: token)
            })
    }

    package func encode(_ text: String) -> [Token] {
        if normalizedMatcher.isEmpty, let tokens = encodeByTable(text) { return tokens }
        return encodeStepByStep(text)
    }

    /// Encodes in one pass over the UTF-8, each code point's outcome looked up; nil when the text holds marks
    /// whose outcome depends on their neighbours.
    func encodeByTable(_ text: String) -> [Token]? {
        var text = text
        return text.withUTF8 { bytes in
            withAssembler(expectedTokens: bytes.count / 4 + 4) { assembler in
                table.withReader { reader in
                    TablePass(reader: reader, bytes: bytes, matcher: originalMatcher).run(&assembler)
                }
            }
        }
    }

    /// Encodes as the reference does, one step of normalisation after the other.
    func encodeStepByStep(_ text: String) -> [Token] {
        let scalars = text.unicodeScalars.map(\.value)
        let tokens = withAssembler(expectedTokens: scalars.count / 2 + 4) { assembler in
            var start = 0
            for match in originalMatcher.matches(in: scalars) {
                encodePiece(scalars[start..<match.range.lowerBound], &assembler)
                assembler.append(match.token)
                start = match.range.upperBound
            }
            encodePiece(scalars[start...], &assembler)
            return true
        }
        return tokens ?? []
    }

    private func encodePiece(_ piece: ArraySlice<UInt32>, _ assembler: inout WordAssembler) {
        let text = normalizer.normalize(piece, firstSource: Int32(piece.startIndex))
        var start = 0
        for match in normalizedMatcher.matches(in: text.scalars) {
            splitWords(text, start..<match.range.lowerBound, &assembler)
            assembler.append(
                Token(
                    id: match.id, start: text.sources[match.range.lowerBound],
                    end: text.sources[match.range.upperBound - 1] + 1))
            start = match.range.upperBound
        }
        splitWords(text, start..<text.scalars.count, &assembler)
    }

    private func splitWords(_ text: AlignedText, _ range: Range<Int>, _ assembler: inout WordAssembler) {
        for index in range {
            let scalar = text.scalars[index]
            if scalar == 0x20 {
                assembler.endWord()
            } else if normalizer.tables.punctuation.contains(scalar) {
                assembler.appendIsolated(scalar, text.sources[index])
            } else {
                assembler.append(scalar, text.sources[index])
            }
        }
        assembler.endWord()
    }

    /// Runs `body` with an assembler and returns its tokens; nil when `body` gives up.
    private func withAssembler(expectedTokens: Int, _ body: (inout WordAssembler) -> Bool) -> [Token]? {
        trie.edges.withUnsafeBufferPointer { edges in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: WordAssembler.longestWord) { scalars in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: WordAssembler.longestWord) {
                    sources in
                    var assembler = WordAssembler(
                        edges: edges, unknown: unknownTokenID, scalars: scalars, sources: sources,
                        expectedTokens: expectedTokens)
                    guard body(&assembler) else { return nil }
                    assembler.endWord()
                    return assembler.tokens
                }
            }
        }
    }
}
