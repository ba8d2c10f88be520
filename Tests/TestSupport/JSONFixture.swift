import Foundation

/// Reads a fixture of the given shape; a fixture that cannot be read fails the test that asks for it.
package func fixture<Content: Decodable>(_ path: String, as type: Content.Type) throws -> Content {
    try JSONDecoder().decode(type, from: Data(contentsOf: Paths.fixtures.appending(path: path)))
}

/// ‖a − b‖ / ‖b‖ in Double.
package func relativeDifference(
    _ actual: some Collection<Float>, _ expected: some Collection<Float>
) -> Double {
    precondition(actual.count == expected.count)
    var difference = 0.0
    var norm = 0.0
    for (a, b) in zip(actual, expected) {
        difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
        norm += Double(b) * Double(b)
    }
    return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}
