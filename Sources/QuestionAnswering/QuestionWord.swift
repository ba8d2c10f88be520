import Foundation

/// What a Korean question asks with.
package enum QuestionWord: String, Sendable, CaseIterable {
    case who = "누구"
    case when = "언제"
    case place = "어디"
    case what = "무엇"
    case why = "왜"
    case how = "어떻게"
    case howMany = "몇"
    case other

    /// The word that stands first in the question decides, at the same place the longer one: 무엇 때문 is 왜.
    /// 어떤, 어떠한 and 어느 count as 무엇 where no other word stands in the question, for they are as often
    /// mere determiners; 어느 with a word for a place counts as 어디 at once. A word counts at the start of a
    /// word of the text only (so not 무엇 in 그무엇, nor 이유 in 아이유), 왜 and 누가 only where no other word
    /// goes on from them (임진왜란, 왜구, 누가복음), 이유 not in 이유식, 언제 not in 언제나.
    package init(of question: String) {
        let text = Array(question.precomposedStringWithCanonicalMapping.unicodeScalars)
        self = Self.first(of: Self.forms, in: text) ?? Self.first(of: Self.weakForms, in: text) ?? .other
    }

    private struct Form {
        let text: [Unicode.Scalar]
        let word: QuestionWord
        /// Nil where anything may follow; else the continuations by which a word still is this one.
        let endings: [[Unicode.Scalar]]?
        /// Continuations by which it is another word.
        let exceptions: [[Unicode.Scalar]]

        init(_ text: String, _ word: QuestionWord, endings: String? = nil, exceptions: String = "") {
            self.text = Array(text.unicodeScalars)
            self.word = word
            self.endings = endings.map(Self.list)
            self.exceptions = Self.list(exceptions)
        }

        private static func list(_ texts: String) -> [[Unicode.Scalar]] {
            texts.unicodeScalars.split(separator: " ").map(Array.init)
        }

        func stands(at index: Int, of scalars: [Unicode.Scalar]) -> Bool {
            let rest = scalars[index...]
            guard rest.starts(with: text) else { return false }
            let after = rest.dropFirst(text.count)
            if exceptions.contains(where: { after.starts(with: $0) }) { return false }
            guard let endings, let next = after.first, PythonText.isWord(next) else { return true }
            return endings.contains { after.starts(with: $0) }
        }
    }

    private static func first(of forms: [Form], in text: [Unicode.Scalar]) -> QuestionWord? {
        for index in text.indices where index == 0 || !PythonText.isWord(text[index - 1]) {
            let found = forms.filter { $0.stands(at: index, of: text) }
            if let longest = found.max(by: { $0.text.count < $1.text.count }) { return longest.word }
        }
        return nil
    }

    private static let forms: [Form] =
        [
            Form("누구", .who), Form("누가", .who, endings: ""), Form("누굴", .who), Form("누군", .who),
            Form("언제", .when, exceptions: "나"),
            Form("어디", .place), Form("어딜", .place), Form("어딘", .place),
            Form("무엇", .what), Form("무슨", .what), Form("무얼", .what), Form("뭐", .what),
            Form("뭘", .what), Form("뭔", .what), Form("무어", .what),
            Form("왜", .why, endings: "인 일 냐 요 그 였"), Form("이유", .why, exceptions: "식"),
            Form("무엇 때문", .why), Form("무엇때문", .why), Form("무엇으로 인해", .why), Form("어째서", .why),
            Form("까닭", .why),
            Form("어떻게", .how), Form("어찌", .how),
            Form("몇", .howMany), Form("며칠", .howMany), Form("얼마", .howMany),
        ]
        + ["곳", "나라", "국가", "도시", "지역", "지방", "대륙", "장소", "섬", "마을", "주", "도", "시"].flatMap {
            [Form("어느 " + $0, .place, endings: placeEndings), Form("어느" + $0, .place, endings: placeEndings)]
        }

    private static let placeEndings = "에 의 인 일 이 가 을 를 로 으 은 는 출 사 에서"

    private static let weakForms = [
        Form("어떤", .what), Form("어떠한", .what), Form("어느", .what), Form("어떠", .how),
    ]
}
