import FunctionModel

/// A function as its author describes it: a JSON file beside the code, which may have comments.
///
/// ```jsonc
/// {
///   "id": "hello",
///   "languageId": "js",
///   "sourceFile": "hello.js",      // or "source": "…"
///   "functionName": "handler",     // the default
///   "jsEvalAsModule": false,       // the default
///   "dependencies": { "greetings": { "file": "lib/greetings.js" }, "one": { "source": "exports.one = 1" } },
///   "sourceDir": "src",            // Python: a folder of modules and data; then sourceFile is in there
///   "requirements": ["numpy==2.*"], // Python: packages; without it, a requirements.txt beside the manifest
///   "env": { "GREETING": "Hello" }, // process.env, os.environ
///   "prime": [{ "name": "" }],      // events for the handler, before its first call
///   "timeoutMillis": 5000,         // without it, the caller's default applies
///   "isolation": "invocation",     // the default; or "process", or "instance"
///   "response": "json",            // the default; or "http"
///   "memoryMB": 128,               // this and the limits below: without them, the host's defaults apply
///   "maxConcurrency": 4, "maxEventBytes": 1000000, "maxResultBytes": 1000000, "maxLogBytes": 100000,
///   "cpuMillis": 500,
///   "temporaryMB": 16              // Python: a folder for temporary files; without it, there is none
/// }
/// ```
///
/// Unknown fields are errors. A field that is `null` counts as not given. Source files are UTF-8; a byte order mark at
/// their start is dropped.
public struct Manifest: Hashable, Sendable {
    public let id: FunctionID
    /// Without folders: a deployment makes them from ``sourceFolder`` and ``requirements``.
    public let definition: FunctionDefinition
    /// The folder that the source is in, if the manifest names one.
    public let sourceFolder: SourceFolder?
    /// Packages to install, as pip names them.
    public let requirements: [String]
    /// The file that `sourceFile` names, as it was found; nil if the manifest has the source itself.
    public let sourcePath: String?

    /// Whether a manifest may refer to files.
    public enum FileReferences: Hashable, Sendable {
        /// It may. A path is relative to this folder; if nothing is there, to the working directory.
        case allowed(relativeTo: String)
        /// It may not: for manifests whose authors must not read this machine's files.
        case forbidden
    }

    /// The limit of the manifest, and of each file it refers to, in bytes.
    public static let maximumFileSize = 16 << 20

    /// Reads the manifest at `path` and the files it refers to.
    /// - Throws: ``InvalidManifest`` that names the file, the field, and where it is.
    public init(file path: String) throws(InvalidManifest) {
        let document: [UInt8]
        do {
            document = try readFile(path, limit: Self.maximumFileSize).bytes
        } catch {
            throw InvalidManifest("\(path): the file \(error.phrase)")
        }
        try self.init(document, name: path, files: .allowed(relativeTo: parent(of: path)))
    }

    /// Reads a manifest.
    /// - Parameters:
    ///   - name: What messages call it.
    ///   - defaultID: of a manifest without an id; nil: it must have one.
    /// - Throws: ``InvalidManifest`` that names the field, and where it is.
    public init(
        _ document: some Collection<UInt8>, name: String = "manifest", files: FileReferences,
        defaultID: FunctionID? = nil
    ) throws(InvalidManifest) {
        guard document.count <= Self.maximumFileSize else {
            throw InvalidManifest("\(name): the manifest is larger than the limit of \(Self.maximumFileSize >> 20) MiB")
        }
        do throws(DocumentError) {
            let reader = try ManifestReader(Array(document), files: files)
            id = try reader.id(defaultID)
            sourceFolder = try reader.sourceFolder()
            requirements = try reader.requirements()
            definition = try reader.definition(in: sourceFolder)
            sourcePath = try reader.sourcePath()
        } catch {
            throw InvalidManifest("\(name): \(error.message)")
        }
    }
}
