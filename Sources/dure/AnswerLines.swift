import Distributed
import Foundation
import QuestionAnswering
import Training

/// The questions of stdin, one a line, each answered by a line of stdout.
struct AnswerLines {
    let answerer: Answerer
    /// Lines read, from 1; blank ones count.
    private var number = 0
    private var questionCount = 0
    private var failures: [Int] = []

    init(answerer: Answerer) { self.answerer = answerer }

    /// Most lines that are computed together.
    private static let batchSize = 256

    private struct Line {
        let number: Int
        /// As it was given; null where there is none.
        let id: JSONValue
        let request: Result<AnswerRequest, any Error>
    }

    /// Returns at the end of stdin.
    ///
    /// - Throws: after the last line, when there was one that could not be answered.
    mutating func run() throws {
        var lines = StandardInputLines()
        while true {
            let batch = try lines.nextAvailable(limit: Self.batchSize)
            if batch.isEmpty { break }
            try answer(batch.compactMap { read($0) })
        }
        guard let first = failures.first else { return }
        throw TrainingError.data(
            location: "stdin, line \(first)\(failures.count > 1 ? " the first" : "")",
            problem: "\(failures.count) of \(questionCount) lines could not be answered",
            remedy: "see \"error\" in their lines of the output")
    }

    /// Nil for a blank line.
    private mutating func read(_ bytes: [UInt8]) -> Line? {
        number += 1
        let bytes = number == 1 ? JSONFile.withoutByteOrderMark(Data(bytes)) : Data(bytes)
        guard bytes.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) else { return nil }
        questionCount += 1
        let id = (try? JSONDecoder().decode(AnswerRequest.Identifier.self, fromText: bytes))?.id ?? .null
        return Line(number: number, id: id, request: Result { try request(bytes) })
    }

    private func request(_ bytes: Data) throws -> AnswerRequest {
        let place = RecordPlace(path: "stdin", record: "line \(number)")
        let remedy = "write each question as a line {\"id\",\"question\",\"context\"}"
        if let offset = JSONFile.firstInvalidUTF8(in: bytes) {
            throw DatasetError.invalidUTF8(path: place.path, offset: offset, line: number)
        }
        do {
            return try JSONFile.decode(
                AnswerRequest.self, from: bytes, path: place.path, line: (number: number, offset: 0))
        } catch DatasetError.malformedJSON(_, let error) {
            throw DatasetError.wrongStructure(place, reason: "not JSON: \(error.reason)", remedy: remedy)
        } catch DatasetError.wrongStructure(let place, let reason, _) {
            throw DatasetError.wrongStructure(place, reason: reason, remedy: remedy)
        }
    }

    private mutating func answer(_ lines: [Line]) throws {
        var answers = try answers(to: lines.compactMap { try? $0.request.get() })[...]
        for line in lines {
            // Answers are of the lines that could be read, in their order.
            let result = line.request.flatMap { _ in answers.popFirst() ?? .success([]) }
            switch result {
            case .success(let best): try printLine(["id": line.id, "answers": .array(best)])
            case .failure(let error):
                failures.append(line.number)
                try printLine(["id": line.id, "error": .string("\(error)")])
            }
        }
    }

    private func printLine(_ members: JSONValue) throws { try printResult(json: members.compact) }

    private func answers(to requests: [AnswerRequest]) throws -> [Result<[JSONValue], any Error>] {
        guard !requests.isEmpty else { return [] }
        if let all = try? answerer.answers(to: requests) { return all.map { .success($0) } }
        // One of them cannot be answered: the others can.
        return try requests.map { request in
            do {
                return .success(try answerer.answers(to: [request]).flatMap(\.self))
            } catch let error as any ExitCoded where error.exitCode == Self.badData {
                return .failure(error)
            }
        }
    }

    private static let badData: Int32 = 65
}
