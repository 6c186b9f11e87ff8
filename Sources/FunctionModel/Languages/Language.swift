/// A language that functions can be written in.
///
/// To add one, write its worker, describe it in a file beside this one, and add it to ``all``. The rest of the host
/// asks for its ``capabilities``, never which language it is.
public struct Language: Sendable, CustomStringConvertible {
    /// The `languageId` of manifests and stored functions. Two languages of one host never share an id.
    public var id: String { entry.id }
    /// The name for people.
    public var name: String { entry.name }
    /// File name of the worker executable.
    public var workerExecutable: String { entry.workerExecutable }
    /// Extension of source files, without the dot.
    public var fileExtension: String { entry.fileExtension }
    /// What the host does for this language and not for every other.
    package var capabilities: Capabilities { entry.capabilities }
    /// What `faas init` writes and the demo runs.
    package var examples: Examples { entry.examples }

    /// An object, because definitions hold a language and are copied: that is one reference counted instead of ten.
    private final class Entry: Sendable {
        let id: String
        let name: String
        let workerExecutable: String
        let fileExtension: String
        let capabilities: Capabilities
        let examples: Examples

        init(
            id: String, name: String, workerExecutable: String, fileExtension: String, capabilities: Capabilities,
            examples: Examples
        ) {
            self.id = id
            self.name = name
            self.workerExecutable = workerExecutable
            self.fileExtension = fileExtension
            self.capabilities = capabilities
            self.examples = examples
        }
    }

    private let entry: Entry

    /// The languages of this build. A runtime may have others: ``FunctionRuntime/Configuration``.
    public static let all: [Language] = [.javaScript, .python]

    package init(
        id: String, name: String, workerExecutable: String, fileExtension: String,
        capabilities: Capabilities = Capabilities(), examples: Examples = Examples()
    ) {
        entry = Entry(
            id: id, name: name, workerExecutable: workerExecutable, fileExtension: fileExtension,
            capabilities: capabilities, examples: examples)
    }

    /// - Throws: ``UnsupportedLanguage`` if no language has this id.
    public init(id: String) throws(UnsupportedLanguage) { try self.init(id: id, among: Self.all) }

    /// - Throws: ``UnsupportedLanguage`` if none of `languages` has this id.
    package init(id: String, among languages: [Language]) throws(UnsupportedLanguage) {
        guard let known = languages.first(where: { $0.id == id }) else {
            throw UnsupportedLanguage(id: id, supported: languages.map(\.id))
        }
        self = known
    }

    /// The language of a source file, by its extension.
    /// - Throws: ``InvalidRequest`` if no language has this extension.
    public init(fileName: String) throws(InvalidRequest) { try self.init(fileName: fileName, among: Self.all) }

    /// - Throws: ``InvalidRequest`` if none of `languages` has this extension.
    package init(fileName: String, among languages: [Language]) throws(InvalidRequest) {
        guard let known = languages.first(where: { fileName.hasSuffix(".\($0.fileExtension)") }) else {
            let extensions = languages.map { "'.\($0.fileExtension)'" }.joined(separator: " or ")
            throw InvalidRequest(
                "The language of \(quoted(fileName)) is not known: its name must end in \(extensions).")
        }
        self = known
    }

    public var description: String { name }
}

extension Language: Hashable {
    public static func == (left: Language, right: Language) -> Bool {
        left.entry === right.entry || left.id == right.id
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
