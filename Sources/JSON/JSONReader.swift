extension JSONValue {
    /// How many arrays and objects may be inside each other in a document. Values nested far deeper than this cannot
    /// even be freed safely, because Swift frees them by recursion.
    public static let maximumDepth = 500

    /// Reads a document in UTF-8.
    ///
    /// This is not Foundation's reader, because it
    /// - says at which line and column a document is wrong;
    /// - accepts comments, if asked to;
    /// - keeps integers apart from doubles: a whole number that fits 64 bits is ``integer(_:)``;
    /// - does not recurse, so no document exhausts the stack, and ends on any bytes with a value or a ``JSONError``.
    ///
    /// What JSON leaves open is decided thus: of members with the same name, the last counts, where names are the same
    /// if Swift's strings are equal. `-0` is ``number(_:)``, since no integer has that sign. A number beyond the range
    /// of doubles is an error; one too small for them is zero. Half a surrogate pair (`"\ud800"`), which no Swift
    /// string can hold, becomes U+FFFD.
    public init(json document: some Collection<UInt8>, syntax: JSONSyntax = .strict) throws(JSONError) {
        self = try readTree(Array(document), syntax: syntax)
    }

    /// Reads a document.
    public init(json document: String, syntax: JSONSyntax = .strict) throws(JSONError) {
        try self.init(json: document.utf8, syntax: syntax)
    }
}

extension JSONError {
    /// What is wrong with a document; nil if nothing is, however deep it is. One that is wrong behind 10,000 levels is
    /// said to be too deep: a client must not choose how much memory that takes.
    package static func first(in document: some Collection<UInt8>) -> JSONError? {
        let document = Array(document)
        guard !document.withUnsafeBufferPointer(isJSON) else { return nil }
        var reader = JSONEventReader(document, syntax: .strict, maximumDepth: 10_000)
        do {
            while try reader.next() != nil {}
            return nil
        } catch {
            return error
        }
    }
}

extension JSONValue: JSONTree {
    init(scalar: JSONValue, offset: Int) { self = scalar }
    init(elements: [JSONValue], offset: Int) { self = .array(elements) }
    init(members: [JSONMember<JSONValue>], offset: Int) {
        self = .object(Dictionary(members.lazy.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last }))
    }
}
