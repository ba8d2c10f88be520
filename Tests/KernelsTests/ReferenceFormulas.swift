import Glibc

/// Every operation of the model as its textbook formula in Double, one element or row at a time. Nothing here
/// is shared with the kernels.
enum Reference {
    /// Φ(x); by erfc, which keeps its digits in the lower tail.
    static func normalCumulative(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    static func normalDensity(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }

    static func gelu(_ x: Double) -> Double { x * normalCumulative(x) }

    static func geluDerivative(_ x: Double) -> Double { normalCumulative(x) + x * normalDensity(x) }

    /// GPT-2's approximation; 1 + tanh u written as 2 / (1 + e^−2u), which keeps its digits for negative u.
    static func geluTanh(_ x: Double) -> Double {
        let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
        return x / (1 + exp(-2 * inner))
    }

    /// With g = 1 / (1 + e^−2u): g + x · g (1 − g) · 2 u′.
    static func geluTanhDerivative(_ x: Double) -> Double {
        // Beyond 30 it is 0 or 1 to the last digit, and x³ meets infinity.
        let bounded = min(max(x, -30), 30)
        let root = (2 / Double.pi).squareRoot()
        let inner = root * (bounded + 0.044715 * bounded * bounded * bounded)
        let gate = 1 / (1 + exp(-2 * inner))
        let rest = 1 / (1 + exp(2 * inner))
        return gate + bounded * gate * rest * 2 * root * (1 + 3 * 0.044715 * bounded * bounded)
    }

    static func relu(_ x: Double) -> Double { max(x, 0) }

    static func layerNorm(_ x: [Double], gamma: [Double], beta: [Double], epsilon: Double) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let deviation = (variance + epsilon).squareRoot()
        return x.indices.map { gamma[$0] * (x[$0] - mean) / deviation + beta[$0] }
    }

    static func softmax(_ x: [Double]) -> [Double] {
        let largest = x.reduce(-Double.infinity, max)
        let exponentials = x.map { exp($0 - largest) }
        let total = exponentials.reduce(0, +)
        return exponentials.map { $0 / total }
    }

    /// −log softmax(logits)[label].
    static func crossEntropy(_ logits: [Double], label: Int) -> Double {
        let largest = logits.reduce(-Double.infinity, max)
        return log(logits.reduce(0) { $0 + exp($1 - largest) }) - (logits[label] - largest)
    }

    /// (factors ∘ softmax(Q Kᵀ / √size)) V of one head: rows of Q, K, V in, rows out. `factors` are those of
    /// dropout, a row for each query.
    static func attention(
        query: [[Double]], key: [[Double]], value: [[Double]], factors: [[Double]]?
    ) -> [[Double]] {
        query.indices.map { row in
            let size = Double(query[row].count)
            let scores = key.map { key in dot(query[row], key) / size.squareRoot() }
            var weights = softmax(scores)
            if let factors { weights = zip(weights, factors[row]).map(*) }
            return value[0].indices.map { column in
                var total = 0.0
                for token in value.indices { total += weights[token] * value[token][column] }
                return total
            }
        }
    }

    static func dot(_ x: [Double], _ y: [Double]) -> Double {
        var total = 0.0
        for index in x.indices { total += x[index] * y[index] }
        return total
    }

    /// AdamW of Loshchilov and Hutter, algorithm 2 with the decay multiplied by the learning rate.
    struct AdamW {
        var beta1 = 0.9
        var beta2 = 0.999
        var epsilon = 1e-8
        var weightDecay = 0.0
        var parameter: Double
        var first = 0.0
        var second = 0.0
        var step = 0

        init(_ parameter: Double) { self.parameter = parameter }

        mutating func update(_ gradient: Double, learningRate: Double) {
            step += 1
            first = beta1 * first + (1 - beta1) * gradient
            second = beta2 * second + (1 - beta2) * gradient * gradient
            let mean = first / (1 - pow(beta1, Double(step)))
            let spread = (second / (1 - pow(beta2, Double(step)))).squareRoot()
            parameter -= learningRate * weightDecay * parameter
            parameter -= learningRate * mean / (spread + epsilon)
        }
    }
}

/// Row `index` of a row-major matrix.
func row(_ matrix: [Double], _ index: Int, _ width: Int) -> [Double] {
    Array(matrix[index * width..<(index + 1) * width])
}
