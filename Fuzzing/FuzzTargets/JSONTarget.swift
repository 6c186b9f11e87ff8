import FunctionModel

/// Strict JSON reads the same with comments allowed, and again after it was written. An error has a place in the
/// document. The reader that only looks for the first error finds none in what reads; it has no limit on nesting, so it
/// may find fewer.
func checkJSON(_ input: [UInt8]) throws(Finding) {
    let strict = try readJSON(input, .strict)
    let lenient = try readJSON(input, .withComments)
    guard let strict else { return }
    try require(JSONError.first(in: input) == nil, "the two readers do not agree on what is JSON")
    try require(strict == lenient, "a document is another one where comments are allowed")
    for pretty in [false, true] {
        let written = strict.jsonBytes(pretty: pretty)
        try require(
            try readJSON(written, .strict) == strict, "what is written does not read as what it was written from")
    }
}

private func readJSON(_ bytes: [UInt8], _ syntax: JSONSyntax) throws(Finding) -> JSONValue? {
    do throws(JSONError) {
        return try JSONValue(json: bytes, syntax: syntax)
    } catch {
        // The reader counts CR LF once, so these are at least as many; and there is no more than a column for each
        // byte.
        let lines = 1 + bytes.count { $0 == 0x0a || $0 == 0x0d }
        try require(
            (1...lines).contains(error.line) && (1...bytes.count + 1).contains(error.column),
            "\(error) is not in the document")
        return nil
    }
}
