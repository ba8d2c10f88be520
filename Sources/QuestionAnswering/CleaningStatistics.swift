/// What cleaning did to the contexts of some questions.
package struct CleaningStatistics: Sendable, Equatable {
    package let cleaning: TextCleaning
    package private(set) var contexts = 0
    package private(set) var changedContexts = 0
    package private(set) var counts: [CleaningRule: CleaningCount] = [:]
    /// Questions whose context keeps its text because cleaning would touch an answer.
    package private(set) var sparedQuestions = 0
    /// Questions that are asked about the cleaned text though it touches an answer.
    package private(set) var touchedQuestions = 0

    /// - indexes: of the dataset's questions, the first `labelledCount` of which are labelled.
    package init(
        _ dataset: Dataset, questions indexes: [Int], labelledCount: Int, builder: FeatureBuilder
    ) {
        cleaning = builder.settings.cleaning
        var counted: Set<Int> = []
        // Questions of a context mostly stand together.
        var last: (index: Int, forms: ContextForms)?
        for (place, index) in indexes.enumerated() {
            let question = dataset.questions[index]
            let forms: ContextForms
            if let last, last.index == question.contextIndex {
                forms = last.forms
            } else {
                forms = builder.forms(of: dataset.context(of: question))
                last = (question.contextIndex, forms)
                if counted.insert(question.contextIndex).inserted { add(forms.cleanedText) }
            }
            guard let text = forms.cleanedText, text.touches(question) else { continue }
            if forms.form(for: question, labelled: place < labelledCount) == .original {
                sparedQuestions += 1
            } else {
                touchedQuestions += 1
            }
        }
    }

    private mutating func add(_ text: CleanedText?) {
        contexts += 1
        guard let text else { return }
        changedContexts += 1
        for (rule, count) in text.counts { counts[rule, default: CleaningCount()] += count }
    }

    /// A line for the log.
    package var notices: [String] {
        let rules = cleaning.rules.map { rule in
            let count = counts[rule] ?? CleaningCount()
            return "\(rule.rawValue) \(count.removals) (\(count.codePoints) code points)"
        }
        let line =
            "cleaning changed \(changedContexts) of \(contexts) contexts: \(rules.joined(separator: ", "))"
        let spared =
            sparedQuestions > 0
            ? [
                "\(sparedQuestions) question(s) keep their original text, as cleaning would touch their answers"
            ]
            : []
        let touched =
            touchedQuestions > 0
            ? [
                "cleaning touches the answers of \(touchedQuestions) question(s), which are asked all the same"
            ]
            : []
        return [line] + spared + touched
    }

    /// For statistics in JSON.
    package var members: [(String, JSONValue)] {
        let rules = cleaning.rules.map { rule -> (String, JSONValue) in
            let count = counts[rule] ?? CleaningCount()
            return (
                rule.rawValue,
                .object([("removals", .integer(count.removals)), ("code_points", .integer(count.codePoints))])
            )
        }
        return [
            ("contexts", .integer(contexts)), ("contexts_changed", .integer(changedContexts)),
            ("rules", .object(rules)), ("questions_with_original_text", .integer(sparedQuestions)),
            ("questions_with_touched_answers", .integer(touchedQuestions)),
        ]
    }
}
