/// A cache bounded in bytes: what was read least recently goes first. Its owner locks it.
///
/// What it holds is reserved from a ``ByteBudget``. Call ``removeAll()`` before the cache goes away.
package struct ByteCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    @usableFromInline
    struct Node {
        @usableFromInline let key: Key
        @usableFromInline var value: Value
        @usableFromInline var bytes: Int
        @usableFromInline var newer: Int?
        @usableFromInline var older: Int?
    }

    /// The most bytes that it holds.
    package let limit: Int
    private let budget: ByteBudget
    /// The bytes of all values together.
    package private(set) var bytes = 0
    @usableFromInline var places: [Key: Int] = [:]
    /// A list from the newest to the oldest, linked by index; freed places are reused.
    @usableFromInline var nodes: [Node?] = []
    private var free: [Int] = []
    @usableFromInline var newest: Int?
    @usableFromInline var oldest: Int?

    /// - Parameters:
    ///   - limit: the most bytes that it holds.
    ///   - budget: what these bytes are reserved from.
    package init(limit: Int, budget: ByteBudget) {
        self.limit = max(0, limit)
        self.budget = budget
    }

    package var count: Int { places.count }
    package var keys: some Collection<Key> { places.keys }

    /// The value, which becomes the most recently read one. Inlinable, because every call of a function reads one, and a
    /// generic method of another module is slow where it is not specialised.
    @inlinable package mutating func read(_ key: Key) -> Value? {
        guard let place = places[key] else { return nil }
        if place != newest {
            unlink(place)
            link(place)
        }
        return nodes[place]?.value
    }

    /// The value; its place in the order stays.
    package func peek(_ key: Key) -> Value? { places[key].flatMap { nodes[$0]?.value } }

    /// The bytes of a value; 0 if there is no such value.
    package func size(of key: Key) -> Int { places[key].flatMap { nodes[$0]?.bytes } ?? 0 }

    /// Changes a value in place; its size and its place in the order stay.
    package mutating func update(_ key: Key, _ change: (inout Value) -> Void) {
        guard let place = places[key], var node = nodes[place] else { return }
        // One reference at a time, so that the value is not copied.
        nodes[place] = nil
        change(&node.value)
        nodes[place] = node
    }

    /// Adds a value, in place of another of the same key, and drops old ones until it fits.
    /// - Returns: false if it is larger than the limit, or than what the budget has left: then it is not kept.
    @discardableResult
    package mutating func insert(_ key: Key, _ value: Value, bytes size: Int) -> Bool {
        remove(key)
        guard size <= limit else { return false }
        while bytes + size > limit { removeOldest() }
        while !budget.reserve(size) {
            if places.isEmpty { return false }
            removeOldest()
        }
        let node = Node(key: key, value: value, bytes: size)
        let place: Int
        if let reused = free.popLast() {
            place = reused
            nodes[place] = node
        } else {
            place = nodes.count
            nodes.append(node)
        }
        places[key] = place
        bytes += size
        link(place)
        return true
    }

    package mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key), let node = nodes[place] else { return }
        unlink(place)
        nodes[place] = nil
        free.append(place)
        bytes -= node.bytes
        budget.release(node.bytes)
    }

    package mutating func removeOldest() {
        if let place = oldest, let node = nodes[place] { remove(node.key) }
    }

    package mutating func removeAll() {
        budget.release(bytes)
        self = ByteCache(limit: limit, budget: budget)
    }

    @usableFromInline mutating func unlink(_ place: Int) {
        guard let node = nodes[place] else { return }
        if let newer = node.newer { nodes[newer]?.older = node.older } else { newest = node.older }
        if let older = node.older { nodes[older]?.newer = node.newer } else { oldest = node.newer }
    }

    @usableFromInline mutating func link(_ place: Int) {
        nodes[place]?.newer = nil
        nodes[place]?.older = newest
        if let newest { nodes[newest]?.newer = place } else { oldest = place }
        newest = place
    }
}
