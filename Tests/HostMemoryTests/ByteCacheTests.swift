import Testing

@testable import HostMemory

@Suite struct ByteCacheTests {
    private let budget = ByteBudget(limit: 100)

    @Test func `What was read least recently goes first`() {
        var cache = ByteCache<String, Int>(limit: 30, budget: budget)
        for (number, key) in ["a", "b", "c"].enumerated() { #expect((cache.insert(key, number, bytes: 10)) == true) }
        #expect(cache.read("a") == 0)
        #expect((cache.insert("d", 3, bytes: 10)) == true)
        #expect(cache.peek("b") == nil)
        #expect(cache.read("a") == 0)
        #expect(cache.read("c") == 2)
        #expect(cache.read("d") == 3)
        #expect((cache.insert("e", 4, bytes: 25)) == true)
        #expect(Set(cache.keys) == ["e"])
        #expect(budget.used == 25)
    }

    @Test func `It holds at most its limit, and reserves what it holds`() {
        var cache = ByteCache<Int, Int>(limit: 50, budget: budget)
        for key in 0..<1000 {
            cache.insert(key % 37, key, bytes: key % 23)
            if key % 3 == 0 { cache.remove(key % 11) }
            #expect(cache.bytes <= 50)
            #expect(budget.used == cache.bytes)
        }
        cache.removeAll()
        #expect(budget.used == 0 && cache.count == 0)
    }

    @Test func `A value larger than the limit is not kept, and takes nothing away`() {
        var cache = ByteCache<String, Int>(limit: 30, budget: budget)
        cache.insert("a", 1, bytes: 10)
        #expect((cache.insert("b", 2, bytes: 31)) == false)
        #expect(cache.read("a") == 1)
        #expect(cache.read("b") == nil)
        #expect((cache.insert("a", 3, bytes: 31)) == false, "the older value of the key would be wrong")
        #expect(cache.count == 0 && budget.used == 0)
    }

    @Test func `Where others have the budget, older values make room, and then the value is not kept`() {
        var cache = ByteCache<String, Int>(limit: 100, budget: budget)
        cache.insert("a", 1, bytes: 40)
        #expect(budget.reserve(50))
        #expect((cache.insert("b", 2, bytes: 50)) == true, "what the cache itself holds makes room")
        #expect(cache.peek("a") == nil)
        #expect((cache.insert("c", 3, bytes: 60)) == false)
        #expect(cache.count == 0 && budget.used == 50)
    }

    @Test func `A changed value keeps its size and its place`() {
        var cache = ByteCache<String, Int>(limit: 20, budget: budget)
        cache.insert("a", 1, bytes: 10)
        cache.insert("b", 2, bytes: 10)
        cache.update("a") { $0 = 7 }
        #expect(cache.peek("a") == 7 && cache.size(of: "a") == 10 && cache.size(of: "x") == 0)
        cache.insert("c", 3, bytes: 10)
        #expect(cache.peek("a") == nil && cache.peek("b") == 2)
    }
}
