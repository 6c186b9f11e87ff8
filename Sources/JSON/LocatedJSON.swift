/// A JSON value that remembers where everything was in its document, and every member even if names repeat: for readers
/// that tell people what is wrong with a file.
package struct LocatedJSON: Sendable {
    package enum Content: Sendable {
        /// Anything but an array or an object.
        case scalar(JSONValue)
        case array([LocatedJSON])
        case object([JSONMember<LocatedJSON>])
    }

    package let content: Content
    /// Of the first byte. ``JSONLocation/init(offset:in:)`` makes it line and column.
    package let offset: Int

    package init(json document: [UInt8], syntax: JSONSyntax) throws(JSONError) {
        self = try readTree(document, syntax: syntax)
    }

    /// Without the places. Of members with the same name, the last one.
    package var value: JSONValue {
        switch content {
        case .scalar(let scalar): scalar
        case .array(let elements): .array(elements.map(\.value))
        case .object(let members):
            .object(Dictionary(members.map { ($0.name, $0.value.value) }, uniquingKeysWith: { $1 }))
        }
    }
}

extension LocatedJSON: JSONTree {
    init(scalar: JSONValue, offset: Int) {
        content = .scalar(scalar)
        self.offset = offset
    }

    init(elements: [LocatedJSON], offset: Int) {
        content = .array(elements)
        self.offset = offset
    }

    init(members: [JSONMember<LocatedJSON>], offset: Int) {
        content = .object(members)
        self.offset = offset
    }
}
