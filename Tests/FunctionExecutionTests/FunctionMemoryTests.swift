import Testing

@testable import FunctionExecution

@Suite struct FunctionMemoryTests {
    private static let mebibyte = 1 << 20
    private static func memory(
        _ most: Int, temporary: Int = 0, keeps: Bool = false, hasCopy: Bool = false, loaded: Int? = nil
    ) -> FunctionMemory {
        var memory = FunctionMemory(
            most: most * mebibyte, temporary: temporary * mebibyte, keeps: keeps, hasCopy: hasCopy)
        if let loaded { memory.hasLoaded(loaded * mebibyte) }
        return memory
    }

    private static func inMebibytes(_ bytes: Int) -> Int { bytes / mebibyte }

    @Test func `The first worker is promised everything, the next ones what it had and a reserve`() {
        #expect(Self.inMebibytes(Self.memory(128).starting) == 128)
        #expect(Self.inMebibytes(Self.memory(128, loaded: 10).starting) == 14)
        #expect(Self.inMebibytes(Self.memory(12, loaded: 10).starting) == 12, "no more than it may use")
        #expect(Self.memory(128).serving(loaded: nil, used: 0) == 128 << 20, "its memory could not be read")
    }

    @Test func `Temporary files are promised to a worker that serves, and not to an idle one`() {
        let memory = Self.memory(128, temporary: 28, loaded: 10)
        #expect(Self.inMebibytes(memory.starting) == 42)
        #expect(Self.inMebibytes(memory.serving(loaded: 10 << 20, used: 0)) == 42)
        #expect(Self.inMebibytes(memory.idle(loaded: 10 << 20, used: 20 << 20)) == 14)
    }

    @Test func `What calls took is promised to the next ones, beyond the copy that a worker goes back to`() {
        var own = Self.memory(128, loaded: 10)
        own.saw(40 << 20, loaded: 10 << 20)
        #expect(Self.inMebibytes(own.serving(loaded: 10 << 20, used: 0)) == 40)
        #expect(own.used(40 << 20, loaded: 10 << 20) == 40 << 20)
        var copied = Self.memory(128, hasCopy: true, loaded: 10)
        copied.saw(40 << 20, loaded: 10 << 20)
        #expect(Self.inMebibytes(copied.serving(loaded: 10 << 20, used: 0)) == 50)
        #expect(copied.used(40 << 20, loaded: 10 << 20) == 50 << 20)
    }

    @Test func `What a worker uses is promised to it, also if that is more than it may use`() {
        #expect(Self.memory(128, loaded: 10).serving(loaded: 10 << 20, used: 150 << 20) == 150 << 20)
    }

    @Test func `An idle worker that keeps its memory is promised that`() {
        let memory = Self.memory(128, keeps: true, loaded: 10)
        #expect(Self.inMebibytes(memory.idle(loaded: 10 << 20, used: 50 << 20)) == 54)
        #expect(Self.inMebibytes(memory.idle(loaded: nil, used: 0)) == 128)
    }

    @Test func `What calls took is forgotten in time`() {
        var memory = Self.memory(128, loaded: 10)
        memory.saw(100 << 20, loaded: 10 << 20)
        for _ in 0..<400 { memory.forget() }
        #expect(Self.inMebibytes(memory.serving(loaded: 10 << 20, used: 0)) == 14)
    }
}
