import Kernels
import Model

/// Features of random tokens whose lengths are distributed about as KorQuAD's: median 220, mean 249, cut at the
/// longest allowed, and whose words are about as frequent as in text (Zipf's law): 16 features have about half as many
/// different words as tokens.
struct RandomFeatures: FeatureSource {
    private let lengths: [Int]
    private let vocabularySize: Int

    init(count: Int, maxLength: Int, vocabularySize: Int) {
        self.vocabularySize = vocabularySize
        var generator = PhiloxGenerator(seed: 7, purpose: .sampling)
        lengths = (0..<count).map { _ in
            // The sum of twelve uniform draws is about normal.
            let normal = (0..<12).reduce(-6.0) { sum, _ in sum + generator.nextUniform() }
            return min(max(Int(220 * power(2.718_281_828, 0.5 * normal)), 8), maxLength)
        }
    }

    var count: Int { lengths.count }
    var longest: Int { lengths.max() ?? 0 }
    func tokenCount(_ index: Int) -> Int { lengths[index] }
    func name(_ index: Int) -> String { "random \(index)" }

    func sequence(_ index: Int, position: UInt32) -> InputSequence {
        let length = lengths[index]
        let question = length / 6
        var generator = PhiloxGenerator(seed: UInt64(index), purpose: .sampling, stream: 1)
        return InputSequence(
            wordIDs: (0..<length).map { _ in
                Int32(min(Int(power(Double(vocabularySize), generator.nextUniform())), vocabularySize - 1))
            },
            tokenTypeIDs: (0..<length).map { $0 < question ? 0 : 1 },
            label: SpanLabel(start: question, end: min(question + 2, length - 1)), position: position)
    }
}
