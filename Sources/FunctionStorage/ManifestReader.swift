import FunctionModel
import Glibc

/// Reads the fields of a manifest.
struct ManifestReader {
    private let fields: JSONFields
    private let files: Manifest.FileReferences

    init(_ document: [UInt8], files: Manifest.FileReferences) throws(DocumentError) {
        let json: LocatedJSON
        do {
            json = try LocatedJSON(json: document, syntax: .withComments)
        } catch {
            throw DocumentError(error.description)
        }
        fields = try JSONFields(json, in: document, subject: "the manifest")
        self.files = files
        try fields.allowOnly(
            [
                "id", "languageId", "functionName", "jsEvalAsModule", "source", "sourceFile", "sourceDir",
                "dependencies", "requirements", "env",
                "prime", "timeoutMillis", "isolation", "response",
            ] + FunctionLimits.fields.map(\.name))
    }

    func id() throws(DocumentError) -> FunctionID {
        let text = try fields.requiredText("id")
        do {
            return try FunctionID(text)
        } catch {
            throw DocumentError("the field 'id' at \(fields.place(ofName: "id")): \(error.message)")
        }
    }

    func definition() throws(DocumentError) -> FunctionDefinition {
        let (source, sourceName) = try source()
        return FunctionDefinition(
            language: try language(),
            sourceCode: source,
            functionName: try functionName(),
            sourceName: sourceName,
            jsEvalAsModule: try fields.flag("jsEvalAsModule") ?? false,
            dependencies: try dependencies(),
            environment: try fields.environment(),
            prime: try fields.prime(),
            timeoutMillis: try fields.integer("timeoutMillis"),
            isolation: try fields.choice("isolation") ?? .invocation,
            response: try fields.choice("response") ?? .json,
            limits: try limits()
        )
    }

    private func limits() throws(DocumentError) -> FunctionLimits {
        let limits = try fields.limits()
        if limits.temporaryMB != nil {
            try require(\.hasTemporaryFiles, "the field 'temporaryMB' at \(fields.place(ofName: "temporaryMB"))")
        }
        return limits
    }

    private func language() throws(DocumentError) -> Language {
        let text = try fields.requiredText("languageId")
        do {
            return try Language(id: text)
        } catch {
            throw DocumentError("the field 'languageId' at \(fields.place(ofName: "languageId")): \(error.message)")
        }
    }

    private func require(_ capability: KeyPath<Language.Capabilities, Bool>, _ place: String) throws(DocumentError) {
        guard try language().capabilities[keyPath: capability] else {
            throw DocumentError("\(place) is for \(Language.names(with: capability)) functions")
        }
    }

    private func functionName() throws(DocumentError) -> String {
        guard let name = try fields.text("functionName") else { return "handler" }
        guard !name.isEmpty else {
            throw DocumentError("the field 'functionName' at \(fields.place(ofName: "functionName")) must not be empty")
        }
        return name
    }

    // MARK: Folders and packages

    func sourceFolder() throws(DocumentError) -> SourceFolder? {
        guard let path = try fields.text("sourceDir") else { return nil }
        let place = "the field 'sourceDir' at \(fields.place(ofName: "sourceDir"))"
        try require(\.hasSourceFolder, place)
        guard !fields.has("source") else {
            throw DocumentError("\(place) excludes 'source': the source is a file in the folder")
        }
        guard case .allowed(let folder) = files else {
            throw DocumentError("\(place) is not allowed here: give the code itself, as 'source'")
        }
        do {
            return try SourceFolder(path: path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)")
        } catch {
            throw DocumentError("\(place): \(error.message)")
        }
    }

    /// - Returns: in order, each once, so that the same packages are the same list.
    func requirements() throws(DocumentError) -> [String] {
        guard let given = try fields.texts("requirements") else { return try requirementsBesideManifest() }
        let place = "the field 'requirements' at \(fields.place(ofName: "requirements"))"
        if !given.isEmpty { try require(\.installsPackages, place) }
        do {
            var requirements: Set<String> = []
            for text in given { requirements.insert(try Requirements.check(text)) }
            return requirements.sorted()
        } catch {
            throw DocumentError("\(place): \(error.message)")
        }
    }

    private func requirementsBesideManifest() throws(DocumentError) -> [String] {
        guard try language().capabilities.installsPackages, case .allowed(let folder) = files else { return [] }
        let path = folder.isEmpty ? "requirements.txt" : "\(folder)/requirements.txt"
        let text: String
        do {
            text = try decode(try readFile(path, limit: Manifest.maximumFileSize).bytes)
        } catch {
            if error.isNotFound { return [] }
            throw DocumentError("the file \(quoted(path)) \(error.phrase)")
        }
        do {
            return Set(try Requirements.read(text)).sorted()
        } catch {
            throw DocumentError("\(path), \(error.message)")
        }
    }

    private func source() throws(DocumentError) -> (code: String, name: String?) {
        if let folder = try sourceFolder() { return try source(in: folder) }
        guard let code = try code(of: fields, inline: "source", file: "sourceFile") else {
            throw DocumentError("the code is missing: give 'source' or 'sourceFile'")
        }
        let path = try fields.text("sourceFile")
        return (code, path.flatMap { $0.split(separator: "/").last.map(String.init) })
    }

    /// The main module of a folder. Its name keeps the folders that it is in: they are packages.
    private func source(in folder: SourceFolder) throws(DocumentError) -> (code: String, name: String?) {
        let language = try language()
        let name = try fields.text("sourceFile") ?? "handler.\(language.fileExtension)"
        let place =
            fields.has("sourceFile")
            ? "the field 'sourceFile' at \(fields.place(ofName: "sourceFile"))" : "the field 'sourceFile', by default"
        guard name.hasSuffix(".\(language.fileExtension)"), folder.files.contains(where: { $0.path == name })
        else {
            throw DocumentError(
                "\(place): no such \(language.name) file in \(quoted(folder.path)): \(quoted(name))")
        }
        do {
            return (try decode(try readFile("\(folder.path)/\(name)", limit: Manifest.maximumFileSize).bytes), name)
        } catch {
            throw DocumentError("\(place): the file \(quoted("\(folder.path)/\(name)")) \(error.phrase)")
        }
    }

    /// The file that is the source.
    func sourcePath() throws(DocumentError) -> String? {
        guard let path = try fields.text("sourceFile"), case .allowed(let folder) = files else { return nil }
        return candidates(path, in: folder).first { access($0, F_OK) == 0 }
    }

    private func dependencies() throws(DocumentError) -> [String: String] {
        guard let entries = try fields.object("dependencies") else { return [:] }
        var dependencies: [String: String] = [:]
        for name in entries.names {
            let place = "the dependency \(quoted(name)) at \(entries.place(ofName: name))"
            guard !name.isEmpty else { throw DocumentError("\(place) must have a name") }
            guard let entry = try entries.object(name) else {
                throw DocumentError("\(place) must be an object, not null")
            }
            try entry.allowOnly(["file", "source"])
            guard let code = try code(of: entry, inline: "source", file: "file") else {
                throw DocumentError("\(place) must have 'file' or 'source'")
            }
            dependencies[name] = code
        }
        return dependencies
    }

    // MARK: Code

    /// The code that one of two fields gives; nil if there is neither.
    private func code(of fields: JSONFields, inline: String, file: String) throws(DocumentError) -> String? {
        guard let path = try fields.text(file) else { return try fields.text(inline) }
        let place = "the field '\(file)' at \(fields.place(ofName: file))"
        guard !fields.has(inline) else { throw DocumentError("\(place) excludes '\(inline)': give only one of them") }
        guard case .allowed(let folder) = files else {
            throw DocumentError("\(place) is not allowed here: give the code itself, as '\(inline)'")
        }
        guard !path.isEmpty else { throw DocumentError("\(place) must not be empty") }

        let candidates = candidates(path, in: folder)
        for candidate in candidates {
            do {
                return try decode(try readFile(candidate, limit: Manifest.maximumFileSize).bytes)
            } catch {
                if !error.isNotFound { throw DocumentError("\(place): the file \(quoted(candidate)) \(error.phrase)") }
            }
        }
        throw DocumentError("\(place): no such file: \(candidates.map(quoted).joined(separator: ", nor "))")
    }

    private func candidates(_ path: String, in folder: String) -> [String] {
        path.hasPrefix("/") || folder.isEmpty || folder == "." ? [path] : ["\(folder)/\(path)", path]
    }

    private func decode(_ bytes: [UInt8]) throws(FileProblem) -> String {
        let text = bytes.dropFirst(bytes.starts(with: utf8ByteOrderMark) ? utf8ByteOrderMark.count : 0)
        do {
            return String(copying: try UTF8Span(validating: text.span))
        } catch {
            let location = JSONLocation(offset: text.startIndex + error.byteOffsets.lowerBound, in: bytes)
            throw .unusable("is not UTF-8 text: line \(location.line) has bytes that are no character")
        }
    }
}
