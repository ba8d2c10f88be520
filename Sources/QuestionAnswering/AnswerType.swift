/// What kind of thing a gold answer is, by its spelling: rules that are right most of the time, not a parser.
package enum AnswerType: String, Sendable, CaseIterable {
    /// Digits, or a Korean numeral, with at most a unit or counter: 12,345명, 약 3.5%, 1억 2천만 원, 세 번, 5년간.
    case number
    /// A day, month, year, century, weekday or time of day: 1988년, 3월 15일, 19세기, 2020.1.5, 월요일, 오전 9시.
    case date
    /// A quoted title; one to five capitalised Latin words; a text ending in a title such as 대통령 or 장군; three
    /// syllables that are a common surname and two syllables common in given names. Most names of places,
    /// organisations and foreigners in Hangul are not told from other nouns and count as `other`.
    case name
    /// The rest, and questions without an answer.
    case other

    /// By the first gold answer.
    package init(of question: Question) {
        self.init(ofText: question.answers.first?.text ?? "")
    }

    init(ofText text: String) {
        let all = Array(text.unicodeScalars)
        let scalars = Array(all[SurroundingMarks.trimmed(all.indices, of: all)])
        if scalars.isEmpty {
            self = .other
        } else if DateText.matches(scalars) {
            self = .date
        } else if NumberText.matches(scalars) {
            self = .number
        } else if NameText.isQuoted(all) || NameText.matches(scalars) {
            self = .name
        } else {
            self = .other
        }
    }
}

/// Reads a text from the left.
private struct Scanner {
    private(set) var rest: ArraySlice<Unicode.Scalar>

    init(_ scalars: [Unicode.Scalar]) { rest = scalars[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skipSpaces() { rest = rest.drop(while: PythonText.isSpace) }

    /// Takes a run of scalars and gives its length.
    mutating func take(while condition: (Unicode.Scalar) -> Bool) -> Int {
        let before = rest.count
        rest = rest.drop(while: condition)
        return before - rest.count
    }

    /// Takes the longest of `words` that stands here.
    mutating func take(_ words: [[Unicode.Scalar]]) -> Bool {
        let found = words.filter { rest.starts(with: $0) }.max { $0.count < $1.count }
        rest = rest.dropFirst(found?.count ?? 0)
        return found != nil
    }
}

private func words(_ list: String) -> [[Unicode.Scalar]] {
    list.unicodeScalars.split(separator: " ").map(Array.init)
}

private func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    ("0"..."9").contains(scalar) || ("０"..."９").contains(scalar)
}

private enum DateText {
    static func matches(_ scalars: [Unicode.Scalar]) -> Bool {
        var scanner = Scanner(scalars)
        var parts = 0
        while !scanner.isAtEnd {
            scanner.skipSpaces()
            if scanner.take(around) { continue }
            if scanner.take(named) {
                parts += 1
            } else if takesNumbered(&scanner) {
                parts += 1
            } else {
                return false
            }
        }
        return parts > 0
    }

    /// Digits with a unit of the calendar, or a date all of digits.
    private static func takesNumbered(_ scanner: inout Scanner) -> Bool {
        let start = scanner
        guard scanner.take(while: isDigit) > 0 else { return false }
        let afterDigits = scanner
        scanner.skipSpaces()
        if scanner.take(units) {
            // A stretch of time is a number: 5년간, 3일 동안.
            scanner.skipSpaces()
            return !scanner.take(durations)
        }
        scanner = afterDigits
        if takesDottedRest(&scanner) { return true }
        scanner = start
        return false
    }

    /// What follows the year of 1988.3.15 and the like.
    private static func takesDottedRest(_ scanner: inout Scanner) -> Bool {
        var separators = 0
        while separators < 2, scanner.take(while: { "./-".unicodeScalars.contains($0) }) == 1 {
            scanner.skipSpaces()
            guard (1...2).contains(scanner.take(while: isDigit)) else { return false }
            separators += 1
        }
        return separators == 2
    }

    private static let units = words("년 년도 년대 월 일 시 분 초 세기 주년")
    private static let durations = words("간 동안 차 째 만에 반 치")
    private static let named = words(
        "월요일 화요일 수요일 목요일 금요일 토요일 일요일 정월 섣달 동짓달 설날 추석 한가위 단오 크리스마스 성탄절 "
            + "봄 여름 가을 겨울 정오 자정 새벽 아침 저녁 오늘 어제 내일 올해 작년 내년 지난해")
    /// What may stand beside a date: before it, after it or between its parts.
    private static let around = words(
        "기원전 기원후 서기 음력 양력 단기 오전 오후 매년 매월 약 경 초 초반 초기 중반 중순 후반 말 말기 하순 상순 무렵 상반기 하반기 전반 전후 "
            + "이후 이전 부터 까지 에 , ( ) ~ - – ～ · . AD BC A.D. B.C.")
}

private enum NumberText {
    static func matches(_ scalars: [Unicode.Scalar]) -> Bool {
        var scanner = Scanner(scalars)
        _ = scanner.take(before)
        scanner.skipSpaces()
        _ = scanner.take(signs)
        guard takesDigits(&scanner) || scanner.take(numerals) else { return false }
        while takesScale(&scanner) {}
        _ = scanner.take(more)
        scanner.skipSpaces()
        if scanner.isAtEnd { return true }
        if scanner.take(counters) {
            scanner.skipSpaces()
            _ = scanner.take(after)
            scanner.skipSpaces()
            return scanner.isAtEnd || takesDigits(&scanner)
        }
        // A unit in Latin letters or signs, at most so long as km/h or mg/dL.
        return (1...6).contains(scanner.take(while: isUnit)) && scanner.isAtEnd
    }

    private static func takesDigits(_ scanner: inout Scanner) -> Bool {
        guard let first = scanner.rest.first, isDigit(first) else { return false }
        return scanner.take { isDigit($0) || ",.:/~-×".unicodeScalars.contains($0) } > 0
    }

    /// 만, 억 and their like with the digits that follow them: 1억 2천만.
    private static func takesScale(_ scanner: inout Scanner) -> Bool {
        let start = scanner
        scanner.skipSpaces()
        if scanner.take(scales) || takesDigits(&scanner) { return true }
        scanner = start
        return false
    }

    private static func isUnit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && scalar.properties.isAlphabetic || "%％‰°℃℉㎞㎡㎢㎏㎝㎜²³/".unicodeScalars.contains(scalar)
    }

    private static let before = words("약 총 제 최대 최소 대략 전체 모두 만 무려 평균 시속 해발 향년")
    private static let signs = words("- + − $ ₩ ￦ € £ ¥")
    private static let scales = words("십 백 천 만 억 조 십만 백만 천만 십억 백억 천억")
    private static let numerals = words(
        "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 스무 하나 둘 셋 넷 스물 서른 마흔 쉰 예순 일흔 여든 아흔 수십 수백 수천 수만 절반")
    /// Of a round number: 30여 명.
    private static let more = words("여 몇")
    private static let counters = words(
        "명 개 번 번째 회 회차 차 차례 살 세 마리 권 대 척 채 곳 군데 가지 종 종류 편 곡 장 점 건 배 위 등 호 층 표 석 인 인분 원 달러 엔 유로 위안 파운드 "
            + "미터 킬로미터 센티미터 밀리미터 그램 킬로그램 톤 리터 평 도 퍼센트 프로 시간 분 초 분간 초간 년간 년 일간 일 개월 개월간 주 주간 달 해 "
            + "명분 골 승 패 무 부 부작 막 화 판 량 자 자리 줄 조각 그루 송이 통 병 잔 컵 벌 켤레 쌍 팀 개국 개소 개교 분의 대손")
    private static let after = words("동안 만에 째 이상 이하 미만 가량 정도 쯤 여 간 남짓 분 짜리 당 차")
}

private enum NameText {
    /// Whether the whole text stands in brackets or quotation marks for titles.
    static func isQuoted(_ scalars: [Unicode.Scalar]) -> Bool {
        guard scalars.count > 2, let first = scalars.first, let last = scalars.last else { return false }
        let pairs = zip("《〈「『“‘<\"'".unicodeScalars, "》〉」』”’>\"'".unicodeScalars)
        return pairs.contains { $0 == first && $1 == last && !scalars.dropFirst().dropLast().contains($1) }
    }

    static func matches(_ scalars: [Unicode.Scalar]) -> Bool {
        isCapitalised(scalars) || isTitled(scalars) || isKoreanName(scalars)
    }

    /// One to five Latin words that begin with a capital, small connecting words apart.
    private static func isCapitalised(_ scalars: [Unicode.Scalar]) -> Bool {
        let parts = PythonText.split(scalars)
        guard (1...5).contains(parts.count), let first = parts.first?.first else { return false }
        func isLatin(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isAlphabetic && scalar.value < 0x250 || ".'’-&".unicodeScalars.contains(scalar)
        }
        return first.properties.isUppercase
            && parts.allSatisfy { part in
                part.allSatisfy(isLatin)
                    && (part.first?.properties.isUppercase == true
                        || connecting.contains(where: part.elementsEqual) || part.elementsEqual(["&"]))
            }
    }

    private static func isTitled(_ scalars: [Unicode.Scalar]) -> Bool {
        titles.contains { scalars.count > $0.count + 1 && scalars.suffix($0.count).elementsEqual($0) }
    }

    private static func isKoreanName(_ scalars: [Unicode.Scalar]) -> Bool {
        if scalars.count == 4, doubleSurnames.contains(where: { scalars.starts(with: $0) }) {
            return scalars.dropFirst(2).allSatisfy(givenNames.contains)
        }
        return scalars.count == 3 && surnames.contains(scalars[0]) && !nounEndings.contains(scalars[2])
            && scalars.dropFirst().allSatisfy(givenNames.contains)
    }

    private static let connecting = words("of the and de la le von van der da di du al bin for in on")
    private static let titles = words(
        "대통령 총리 장관 장군 제독 대왕 왕비 왕후 여왕 황제 황후 교황 교수 박사 감독 선수 의원 목사 신부 스님 대사 공주 왕자 선생")
    private static let doubleSurnames = words("남궁 황보 제갈 사공 선우 독고 서문")
    /// Of places, offices and other nouns more often than of people.
    private static let nounEndings = Set("도시군구산강천자사라리".unicodeScalars)
    private static let surnames = Set(
        "김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민나진지엄채원천방공현함변염추도석마길연위표명기반왕모".unicodeScalars)
    private static let givenNames = Set(
        "가강건경계고공관광교구국권규균근금기길나남노다단대덕도동두라란래려련렬령로록룡루류률리린림만명모목무묵문미민바배백범병보복봉부빈사산삼상새서석선설섭성세소솔송수숙순숭슬승시식신실아안애양언업여연열엽영예오옥온완용우욱운웅원월위유윤율으은을의이익인일임자장재전정제조종주준중지직진찬창채천철청초춘충치탁태택평하학한해향헌혁현형혜호홍화환황효훈휘흠흥희"
            .unicodeScalars)
}
