/// Files that could be saved of a run whose output folder was meddled with.
package struct RunPlaceSaving: Sendable {
    /// After which the state was saved; nil where it was not.
    package var step: Int?
    /// Why not all was.
    package var failure: String?
    /// Whether nothing was left to do.
    package var isComplete = false

    package init() {}
}

/// The place where a run leaves what it makes; on rank 0.
package protocol RunPlace: AnyObject {
    /// Looks whether everything is still where it should be.
    func look()
    /// Whether something was not when last looked.
    var isLost: Bool { get }
    /// Makes it possible to save what there is. Throws where it is not.
    func makeSafe() throws
    /// Brings logs to where they belong, and throws what has happened and where things are; returns where nothing has
    /// happened.
    func fail(saving: RunPlaceSaving) throws
}
