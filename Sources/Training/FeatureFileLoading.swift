import QuestionAnswering

/// Training from feature files, alone or between datasets.
extension FeatureLoader {
    /// The features of `request`, on every rank; each reads the feature files itself.
    ///
    /// - formats: of the request's files, nil for datasets.
    func loadFeatureFiles(
        _ request: FeatureRequest, _ formats: [FeatureFileFormat?]
    ) throws -> PreparedData {
        try communicator.together { try Self.requirePossible(request, formats) }
        let own = try communicator.together { try content(request) }
        try communicator.requireEqual(own.value, "the data to train on")
        guard formats.allSatisfy({ $0 != nil }) else { return try loadMixed(request, formats) }
        let reader: FeatureFileReader
        if let lastFeatures, lastFeatures.files == request.files {
            reader = lastFeatures.reader
        } else {
            reader = try communicator.together { try read(zip(request.files, formats)) }
        }
        lastFeatures = (request.files, reader)
        return try communicator.together { try part(of: reader, request) }
    }

    private static func requirePossible(_ request: FeatureRequest, _ formats: [FeatureFileFormat?]) throws {
        let path = zip(request.files, formats).first { $0.1 != nil }?.0 ?? ""
        switch request.part {
        case .whole:
            guard request.kind == .evaluation else { return }
            throw TrainingError.data(
                location: path, problem: "a file of features has no texts, which scoring needs",
                remedy: "name the dataset that it was made of")
        case .trainingShare(_, _, let unit), .validationShare(_, _, let unit):
            guard unit == .question else {
                throw TrainingError.setting(
                    flag: "--split-by \(unit.rawValue)",
                    problem:
                        "a file of features does not say which \(unit.rawValue) a question is of, as \(path)",
                    remedy: "split by question, or train from the dataset")
            }
            guard formats.allSatisfy({ $0 != nil }) else {
                throw TrainingError.setting(
                    flag: "--validation-split",
                    problem: "datasets and files of features are not split together",
                    remedy: "give --validation-file")
            }
        }
    }

    private func read(
        _ files: some Sequence<(String, FeatureFileFormat?)>
    ) throws -> FeatureFileReader {
        var reader = FeatureFileReader(limits: preparation.limits, tokenizer: tokenizer)
        for (path, format) in files {
            guard let format else { continue }
            try reader.read(path, format)
        }
        return reader
    }

    /// What the request wants of the files' features.
    private func part(of reader: FeatureFileReader, _ request: FeatureRequest) throws -> PreparedData {
        let share: (validation: Double, seed: UInt64, isValidation: Bool)
        switch request.part {
        case .whole:
            return PreparedData(
                set: FeatureSet(
                    dataset: nil, questionIDs: reader.questionIDs,
                    features: reader.features.ofFirst(request.limit)),
                notices: [])
        case .trainingShare(let validation, let seed, _): share = (validation, seed, false)
        case .validationShare(let validation, let seed, _): share = (validation, seed, true)
        }
        let drawn = try drawnUnits(
            sizes: Array(repeating: 1, count: reader.questionIDs.count), share: share.validation,
            seed: share.seed, location: request.files.joined(separator: ", "), unit: "question")
        let all = reader.features
        let features = all.selecting(
            all.indices.filter { drawn[Int(all.columns.question[$0])] == share.isValidation }
        ).ofFirst(request.limit)
        guard !features.isEmpty else {
            throw TrainingError.data(
                location: request.files.joined(separator: ", "),
                problem: "no feature is on one side of the split", remedy: "give another --seed or share")
        }
        return PreparedData(
            set: FeatureSet(dataset: nil, questionIDs: reader.questionIDs, features: features),
            notices: share.isValidation ? [] : Self.splitNotices(reader))
    }

    private static func splitNotices(_ reader: FeatureFileReader) -> [String] {
        var notices = ["features have no texts: what is split off is validated on by its loss alone"]
        if !reader.filesWithoutIDs.isEmpty {
            notices.append(
                "records do not say which question they are of (\(reader.filesWithoutIDs.joined(separator: ", "))): "
                    + "split by record, so that windows of one question may be on both sides")
        }
        return notices
    }

    /// Datasets between feature files: neighbours are read together, and everything is concatenated in order.
    private func loadMixed(
        _ request: FeatureRequest, _ formats: [FeatureFileFormat?]
    ) throws -> PreparedData {
        var set = FeatureSet(dataset: nil, questionIDs: [], features: [])
        var notices: [String] = []
        var start = 0
        while start < request.files.count {
            let isDataset = formats[start] == nil
            let end = formats[start...].firstIndex { ($0 == nil) != isDataset } ?? formats.count
            let files = Array(request.files[start..<end])
            let part: PreparedData
            if isDataset {
                part = try loadDatasets(FeatureRequest(files: files, kind: request.kind))
            } else {
                let reader = try communicator.together { try read(zip(files, formats[start..<end])) }
                part = PreparedData(
                    set: FeatureSet(dataset: nil, questionIDs: reader.questionIDs, features: reader.features),
                    notices: [])
            }
            set = set.appending(part.set)
            notices += part.notices
            start = end
        }
        let features = set.features.ofFirst(request.limit)
        return PreparedData(
            set: FeatureSet(dataset: nil, questionIDs: set.questionIDs, features: features), notices: notices)
    }
}

extension FeatureList {
    /// Those of the first `limit` questions that have any; all where there is no limit.
    fileprivate func ofFirst(_ limit: Int?) -> FeatureList {
        guard let limit else { return self }
        var questions: Set<Int32> = []
        let end = columns.question.firstIndex { question in
            questions.insert(question)
            return questions.count > limit
        }
        return first(end ?? count)
    }
}

extension FeatureSet {
    /// Both sets' features, the own first, without texts.
    fileprivate func appending(_ other: FeatureSet) -> FeatureSet {
        var (columns, more) = (features.columns, other.features.columns)
        for index in more.question.indices { more.question[index] += Int32(questionIDs.count) }
        columns.append(more)
        return FeatureSet(
            dataset: nil, questionIDs: questionIDs + other.questionIDs, features: FeatureList(columns))
    }
}
