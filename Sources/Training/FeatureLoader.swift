import Checkpoints
import Distributed
import Foundation
import Kernels
import Logging
import QuestionAnswering

/// Which questions of some files.
package enum DatasetPart: Sendable, Equatable {
    case whole
    /// What a split with this share and seed leaves to train on.
    case trainingShare(validationShare: Double, seed: UInt64, by: SplitUnit = .question)
    /// What it takes away to validate on.
    case validationShare(Double, seed: UInt64, by: SplitUnit = .question)
}

/// Features that a run needs.
package struct FeatureRequest: Sendable, Equatable {
    package let files: [String]
    package let part: DatasetPart
    package let kind: FeatureKind
    /// Most questions of the part, the first ones; nil takes all.
    package let limit: Int?

    package init(files: [String], part: DatasetPart = .whole, kind: FeatureKind, limit: Int? = nil) {
        self.files = files
        self.part = part
        self.kind = kind
        self.limit = limit
    }
}

/// Prepares features on all ranks together.
///
/// All look at the files; rank 0 reads, from the cache where it can, else the datasets, whose questions are shared
/// out over ranks and by each rank over its threads. All end with the same features in the order of the dataset,
/// whatever their number.
/// Every rank must make the same calls.
package final class FeatureLoader {
    let preparation: DataPreparation
    private let identity: ContentHash
    /// Hash of the tokenizer alone.
    let tokenizer: String
    let communicator: any Communicator
    private let pool: WorkerPool
    private let cache: FeatureCache?
    private let logger: Logger
    /// Where to tell how many questions are done.
    package var status: StatusLine?
    /// Of feature files, for the other part of a split.
    var lastFeatures: (files: [String], reader: FeatureFileReader)?
    /// On rank 0, the files read last, for the other part of a split.
    private var lastRead: Dataset?
    /// On rank 0, what is to be kept.
    private var made: [(key: String, request: FeatureRequest, features: KeptFeatures)] = []

    /// - identity: hash of the tokenizer.
    package init(
        preparation: DataPreparation, identity: ContentHash, communicator: any Communicator, pool: WorkerPool,
        cache: FeatureCache?, logger: Logger
    ) throws {
        self.preparation = preparation
        tokenizer = identity.text
        var identity = identity
        identity.add("\(preparation.settings)")
        self.identity = identity
        self.communicator = communicator
        self.pool = pool
        self.cache = cache
        self.logger = logger
        try communicator.requireEqual(identity.value, "the vocabulary or a setting of the windows")
    }

    /// The features, on every rank; with the dataset's texts on rank 0 when they are to evaluate on. The files may be
    /// datasets or, to train on, feature files.
    package func load(_ request: FeatureRequest) throws -> PreparedData {
        let formats = try agreedFormats(request)
        if formats.contains(where: { $0 != nil }) { return try loadFeatureFiles(request, formats) }
        return try loadDatasets(request)
    }

    /// What each file is. Ranks with files of other kinds would go separate ways from here on.
    private func agreedFormats(_ request: FeatureRequest) throws -> [FeatureFileFormat?] {
        // Whoever lacks a file says so.
        if communicator.size > 1 { try communicator.together { _ = try content(request) } }
        let formats = request.files.map(FeatureFileFormat.of)
        var hash = ContentHash()
        hash.add("\(formats.map { $0?.rawValue ?? "" })")
        try communicator.requireEqual(hash.value, "the kind of a data file")
        return formats
    }

    func loadDatasets(_ request: FeatureRequest) throws -> PreparedData {
        let (features, dataset, _) = try gather(request)
        let set = FeatureSet(
            dataset: request.kind == .evaluation ? dataset : nil, questionIDs: features.questionIDs,
            features: features.columns.features())
        try communicator.together { try preparation.check(set, request) }
        return PreparedData(set: set, notices: features.notices(naming: request.files))
    }

    /// The features of datasets as columns, and on rank 0 the dataset where it was read and what cleaning did to it
    /// where it was cleaned.
    func gather(
        _ request: FeatureRequest
    ) throws -> (features: KeptFeatures, dataset: Dataset?, cleaning: CleaningStatistics?) {
        let content = try sharedContent(request)
        var source = Source()
        try communicator.onRoot { source = try open(request, content) }
        var (features, work) = try share(source)
        if let work {
            features.columns = try build(work, request)
            features.questionIDs = work.dataset.questions.map(\.id)
        }
        if let key = source.key, work != nil { made.append((key, request, features)) }
        return (features, source.dataset, source.work?.cleaning)
    }

    /// Keeps what had to be made for later runs. To be called when all data has proved good, so that a run which
    /// fails over its input leaves nothing behind. What cannot be kept is only a warning.
    package func keep() {
        lastRead = nil
        lastFeatures = nil
        guard let cache else { return }
        for (key, request, features) in made {
            // A file that changed after it was hashed must not get into the cache under the wrong key.
            guard let content = try? content(request), self.key(request, content) == key else { continue }
            do {
                try cache.keep(features, as: key)
            } catch {
                logger.warning("the features could not be kept for later runs: \(error)")
            }
        }
        made = []
    }
}

// MARK: On rank 0

extension FeatureLoader {
    /// Where features come from: from the cache or by work.
    private struct Source {
        var key: String?
        var kept: KeptFeatures?
        var work: FeatureWork?
        var dataset: Dataset?
    }

    private func open(_ request: FeatureRequest, _ content: ContentHash) throws -> Source {
        var source = Source()
        source.key = cache == nil ? nil : key(request, content)
        source.kept = source.key.flatMap(lookUp)
        guard source.kept == nil || request.kind == .evaluation else { return source }
        let dataset = try read(request)
        source.dataset = dataset
        if let kept = source.kept, kept.questionIDs == dataset.questions.map(\.id) { return source }
        source.kept = nil
        source.work = try preparation.work(dataset, request.kind)
        return source
    }

    private func lookUp(_ key: String) -> KeptFeatures? {
        guard let cache else { return nil }
        switch cache.find(key, vocabularySize: preparation.vocabularySize) {
        case .absent: return nil
        case .found(let kept):
            logger.info("\(kept.columns.count) features from the cache (\(cache.path(key)))")
            return kept
        case .unusable(let reason):
            logger.warning("the feature cache cannot be used, \(reason) (\(cache.path(key))): rebuilding it")
            return nil
        }
    }

    func read(_ request: FeatureRequest) throws -> Dataset {
        let all: Dataset
        if let lastRead, lastRead.paths == request.files {
            all = lastRead
        } else {
            all = try DatasetReader.read(request.files)
        }
        lastRead = all
        return try all.part(request.part).first(request.limit)
    }

    /// The hash of all that the features depend on.
    private func key(_ request: FeatureRequest, _ content: ContentHash) -> String {
        var hash = identity
        hash.add("\(FeatureCache.formatVersion) \(dureVersion) \(request.kind) \(request.part)")
        if let limit = request.limit { hash.add("\(limit)") }
        // Notices are kept with the features.
        hash.add(preparation.noticesKey)
        hash.add(content.text)
        return hash.text
    }
}

// MARK: On all ranks

extension FeatureLoader {
    /// The hash of the request's files, which must be there and the same on every rank: that only rank 0 reads them
    /// shall not hide that a host has others. Where they differ, a rank whose file is damaged says what is wrong.
    private func sharedContent(_ request: FeatureRequest) throws -> ContentHash {
        let own = try communicator.together { try content(request) }
        let all = try communicator.allGather(Array(own.text.utf8))
        if all.contains(where: { $0 != all[0] }) {
            try communicator.together { _ = try DatasetReader.read(request.files) }
            try communicator.requireEqual(
                own.value, request.kind == .evaluation ? "the data to evaluate on" : "the data to train on")
        }
        return own
    }

    func content(_ request: FeatureRequest) throws -> ContentHash {
        var hash = ContentHash()
        for path in request.files {
            guard let file = try? MappedFile(path: path) else {
                // The reader says best what is wrong with a file that cannot be opened.
                _ = try DatasetReader.read([path])
                throw DatasetError.unreadableFile(path: path, reason: "it cannot be mapped into memory")
            }
            file.withBytes { hash.add($0) }
        }
        return hash
    }

    /// Tells every rank what rank 0 found: the features, or the work from which to make them.
    private func share(_ source: Source) throws -> (features: KeptFeatures, work: FeatureWork?) {
        let empty = KeptFeatures(
            questionIDs: [], columns: FeatureColumns(), notices: source.work?.notices ?? [],
            files: source.work?.dataset.paths ?? [])
        if communicator.size == 1 { return (source.kept ?? empty, source.work) }
        var writer = ByteWriter()
        writer.add(source.kept == nil ? 0 : 1)
        source.kept?.write(to: &writer)
        source.work?.write(to: &writer)
        let bytes = try communicator.allGather(communicator.isRoot ? writer.bytes : [])[0]
        if communicator.isRoot { return (source.kept ?? empty, source.work) }
        var reader = ByteReader(bytes)
        return reader.integer() == 1
            ? (KeptFeatures(from: &reader), nil) : (empty, FeatureWork(from: &reader))
    }

    /// Ranks take runs of neighbouring questions in order of rank, so that the first rank that fails reports the
    /// first question that does not fit.
    private func build(_ work: FeatureWork, _ request: FeatureRequest) throws -> FeatureColumns {
        let groups = work.groups()
        let share = FeatureWork.cut(groups.map(work.cost), parts: communicator.size)[communicator.rank]
        let own = try communicator.together {
            let progress = status.map {
                TaskProgress("making features", total: work.order.count, unit: "questions", line: $0)
            }
            defer { progress?.end() }
            return try preparation.builder(request.kind).columns(
                of: work, groups: groups[share], pool: pool, onProgress: progress?.update)
        }
        if communicator.size == 1 { return own }
        var writer = ByteWriter()
        own.write(to: &writer)
        var all = FeatureColumns()
        for bytes in try communicator.allGather(writer.bytes) {
            var reader = ByteReader(bytes)
            all.append(FeatureColumns(from: &reader))
        }
        return all
    }
}

extension WordPieceTokenizer {
    /// A hash of all that its tokens depend on.
    package var identity: ContentHash {
        get throws {
            var hash = ContentHash()
            hash.add(vocabulary.text)
            hash.add(String(decoding: try settings.json(), as: UTF8.self))
            return hash
        }
    }
}
