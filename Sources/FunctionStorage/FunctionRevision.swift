import Crypto
import FunctionModel

extension FunctionDefinition {
    /// Names the content: 16 hexadecimal digits that are the same for the same definition on every host, and differ for
    /// any other.
    public func revision() -> String {
        var encoder = RevisionEncoder()
        encoder.add("PolyglotFaaS function definition, encoding 1")
        encoder.add(language.id)
        encoder.add(functionName)
        encoder.add(sourceCode)
        encoder.add(sourceName)
        encoder.add(jsEvalAsModule ? 1 : 0)
        encoder.add(dependencies)
        encoder.add(timeoutMillis == nil ? 0 : 1)
        encoder.add(Int64(timeoutMillis ?? 0))
        encoder.add(isolation.rawValue)
        // Only what is there: a function without has the revision it always had.
        if !environment.isEmpty {
            encoder.add("env")
            encoder.add(environment)
        }
        if !prime.isEmpty {
            encoder.add("prime")
            encoder.add(JSONValue.array(prime).jsonText())
        }
        if !folders.all.isEmpty {
            encoder.add("folders")
            // Where they are differs from host to host; what is in them is their names'.
            for folder in [folders.source, folders.packages] {
                encoder.add(folder.flatMap { $0.split(separator: "/").last.map(String.init) } ?? "")
            }
        }
        if response != .json {
            encoder.add("response")
            encoder.add(response.rawValue)
        }
        for field in FunctionLimits.fields {
            guard let value = limits[keyPath: field.limit] else { continue }
            encoder.add(field.name)
            encoder.add(Int64(value))
        }
        return encoder.digest.prefix(8).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count < 2 ? "0\(digits)" : digits
        }.joined()
    }
}

extension Function {
    /// The function of this definition, in the revision that its content makes.
    public convenience init(id: FunctionID, definition: FunctionDefinition) {
        self.init(id: id, revision: definition.revision(), definition: definition)
    }
}

/// Every text has its length before it, so that no two definitions are hashed as the same bytes.
private struct RevisionEncoder {
    private var hash = SHA256()

    mutating func add(_ number: Int64) {
        withUnsafeBytes(of: number.littleEndian) { hash.update(bufferPointer: $0) }
    }

    mutating func add(_ text: String) {
        add(Int64(text.utf8.count))
        var text = text
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }

    mutating func add(_ texts: [String: String]) {
        add(Int64(texts.count))
        // By bytes: the order of Swift's strings depends on the version of Unicode.
        for (name, text) in texts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            add(name)
            add(text)
        }
    }

    var digest: SHA256.Digest { hash.finalize() }
}
