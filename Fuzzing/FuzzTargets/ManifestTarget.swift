import FunctionModel
import FunctionStorage

/// A manifest that can be read is stored as the function that it describes. One that refers to files is refused.
func checkManifest(_ input: [UInt8]) throws(Finding) {
    let manifest: Manifest
    do throws(InvalidManifest) {
        manifest = try Manifest(input, files: .forbidden)
    } catch {
        return try require(
            error.message.hasPrefix("manifest: ") && error.message.utf8.count < input.count * 8 + 2000,
            "a strange message: \(error.message)")
    }
    let function = Function(id: manifest.id, definition: manifest.definition)
    let stored: Function
    do {
        stored = try StoredFunction.read(
            StoredFunction.document(function), id: manifest.id)
    } catch {
        throw Finding("the stored function cannot be read: \(error.message)")
    }
    try require(stored.definition == function.definition, "the stored function is another one")
    try require(stored.revision == function.revision, "the stored function is another revision")
}
