/// What a document can be read into. Offsets count bytes from the document's start.
protocol JSONTree {
    init(scalar: JSONValue, offset: Int)
    init(elements: [Self], offset: Int)
    init(members: [JSONMember<Self>], offset: Int)
}

package struct JSONMember<Value> {
    package let name: String
    package let nameOffset: Int
    package let value: Value
}

extension JSONMember: Sendable where Value: Sendable {}

func readTree<Tree: JSONTree>(_ document: [UInt8], syntax: JSONSyntax) throws(JSONError) -> Tree {
    var reader = JSONEventReader(document, syntax: syntax)
    var root: Tree?
    var open: [Unfinished<Tree>] = []
    while let event = try reader.next() {
        let complete: Tree
        switch event.kind {
        case .beginArray:
            open.append(Unfinished(isArray: true, offset: event.offset))
            continue
        case .beginObject:
            open.append(Unfinished(isArray: false, offset: event.offset))
            continue
        case .name(let name):
            open[open.count - 1].name = name
            open[open.count - 1].nameOffset = event.offset
            continue
        case .scalar(let scalar):
            complete = Tree(scalar: scalar, offset: event.offset)
        case .end:
            complete = open.removeLast().finished
        }
        if open.isEmpty { root = complete } else { open[open.count - 1].add(complete) }
    }
    // The events of a document end only after its one value is complete, so there always is one.
    guard let root else { throw JSONError("expected a value", at: JSONLocation(offset: document.count, in: document)) }
    return root
}

/// An array or object whose end has not come yet.
private struct Unfinished<Tree: JSONTree> {
    let isArray: Bool
    let offset: Int
    /// Of the member whose value comes next.
    var name = ""
    var nameOffset = 0
    private var elements: [Tree] = []
    private var members: [JSONMember<Tree>] = []

    init(isArray: Bool, offset: Int) {
        self.isArray = isArray
        self.offset = offset
    }

    mutating func add(_ value: Tree) {
        if isArray {
            elements.append(value)
        } else {
            members.append(JSONMember(name: name, nameOffset: nameOffset, value: value))
        }
    }

    var finished: Tree { isArray ? Tree(elements: elements, offset: offset) : Tree(members: members, offset: offset) }
}
