/// A language that functions can be written in. To add one, write its worker and add a line to ``all``.
public struct Language: Hashable, Sendable, CustomStringConvertible {
    /// The `languageId` of manifests and stored functions.
    public let id: String
    /// The name for people.
    public let name: String
    /// File name of the worker executable.
    public let workerExecutable: String
    /// Extension of source files, without the dot.
    public let fileExtension: String

    public static let javaScript = Language(
        id: "js", name: "JavaScript", workerExecutable: "faas-worker-javascript", fileExtension: "js")
    public static let python = Language(
        id: "python", name: "Python", workerExecutable: "faas-worker-python", fileExtension: "py")

    public static let all: [Language] = [.javaScript, .python]

    /// - Throws: ``UnsupportedLanguage`` if no language has this id.
    public init(id: String) throws(UnsupportedLanguage) {
        guard let known = Self.all.first(where: { $0.id == id }) else { throw UnsupportedLanguage(id: id) }
        self = known
    }

    /// The language of a source file, by the end of its name.
    /// - Throws: ``InvalidRequest`` if no language's files end so.
    public init(fileName: String) throws(InvalidRequest) {
        guard let known = Self.all.first(where: { fileName.hasSuffix(".\($0.fileExtension)") }) else {
            throw InvalidRequest(
                "The language of \(quoted(fileName)) is not known: its name must end in \(Self.all.map { "'.\($0.fileExtension)'" }.joined(separator: " or "))."
            )
        }
        self = known
    }

    private init(id: String, name: String, workerExecutable: String, fileExtension: String) {
        self.id = id
        self.name = name
        self.workerExecutable = workerExecutable
        self.fileExtension = fileExtension
    }

    public var description: String { name }
}
