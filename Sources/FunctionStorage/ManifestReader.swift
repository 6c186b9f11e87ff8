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
        try fields.allowOnly(FunctionField.all(in: .manifest).map(\.name))
    }

    /// - Parameter defaultID: of a manifest without an id; nil: it must have one.
    func id(_ defaultID: FunctionID?) throws(DocumentError) -> FunctionID {
        if let defaultID, !fields.has("id") { return defaultID }
        let text = try fields.requiredText("id")
        do {
            return try FunctionID(text)
        } catch {
            throw DocumentError("\(fields.subject("id")): \(error.message)")
        }
    }

    /// - Parameter folder: the folder that the source is in, if the manifest names one.
    func definition(in folder: SourceFolder?) throws(DocumentError) -> FunctionDefinition {
        let (source, sourceName) = try source(in: folder)
        var definition = FunctionDefinition(
            language: try fields.language(), sourceCode: source, sourceName: sourceName,
            dependencies: try dependencies())
        for field in FunctionField.all(in: .manifest) where field.name != "dependencies" {
            try field.read(fields, .manifest, into: &definition)
        }
        if let name = definition.secrets.first(where: { definition.environment[$0] != nil }) {
            throw DocumentError("\(fields.subject("secrets")) has '\(name)', which is a variable of 'env' already")
        }
        if let least = definition.limits.minWorkers, let most = definition.limits.maxConcurrency, least > most {
            throw DocumentError(
                "\(fields.subject("minWorkers")) must be at most \(most), which is 'maxConcurrency', not \(least)")
        }
        return definition
    }

    // MARK: Folders and packages

    func sourceFolder() throws(DocumentError) -> SourceFolder? {
        guard let path = try fields.text("sourceDir") else { return nil }
        let place = fields.subject("sourceDir")
        guard try fields.language().capabilities.hasSourceFolder else {
            throw DocumentError("\(place) is for \(Language.names(with: \.hasSourceFolder)) functions")
        }
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
        let place = fields.subject("requirements")
        if given.isEmpty { return [] }
        guard try fields.language().capabilities.installsPackages else {
            throw DocumentError("\(place) is for \(Language.names(with: \.installsPackages)) functions")
        }
        do {
            var requirements: Set<String> = []
            for text in given { requirements.insert(try Requirements.check(text)) }
            return requirements.sorted()
        } catch {
            throw DocumentError("\(place): \(error.message)")
        }
    }

    private func requirementsBesideManifest() throws(DocumentError) -> [String] {
        guard try fields.language().capabilities.installsPackages, case .allowed(let folder) = files else { return [] }
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

    private func source(in folder: SourceFolder?) throws(DocumentError) -> (code: String, name: String?) {
        if let folder { return try mainModule(of: folder) }
        guard let code = try code(of: fields, inline: "source", file: "sourceFile") else {
            throw DocumentError("the code is missing: give 'source' or 'sourceFile'")
        }
        let path = try fields.text("sourceFile")
        return (code, path.flatMap { $0.split(separator: "/").last.map(String.init) })
    }

    /// The main module of a folder. Its name keeps the folders that it is in: they are packages.
    private func mainModule(of folder: SourceFolder) throws(DocumentError) -> (code: String, name: String?) {
        let name = try fields.text("sourceFile") ?? "handler.py"
        let place =
            fields.has("sourceFile") ? fields.subject("sourceFile") : "the field 'sourceFile', by default"
        guard name.hasSuffix(".py"), folder.files.contains(where: { $0.path == name }) else {
            throw DocumentError("\(place): no such Python file in \(quoted(folder.path)): \(quoted(name))")
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
        let place = fields.subject(file)
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
            throw .unusable("is not UTF-8 text: line \(location.line) has bytes that are not a character")
        }
    }
}
