import FunctionModel
import PolyglotFaaS
import Testing

/// What a call at isolation `instance` leaves behind besides the function's own variables.
@Suite struct KeptStateTests {
    private static func calls(
        _ count: Int, of request: InvocationRequest, _ check: (Int64) throws -> Void
    ) async throws {
        var request = request
        request.isolation = .instance
        try await withRuntime {
            $0.maximumWorkersPerFunction = 1
        } _: { runtime in
            for _ in 0..<count { try check(try #require(try await runtime.value(request).integerValue)) }
        }
    }

    @Test func `Timers that JavaScript calls leave pending never fire and take no memory`() async throws {
        // 10,000 calls that set two timers with 8 KB each: 160 MB, if they stayed.
        var request = InvocationRequest.js(
            """
            let fired = 0;
            exports.handler = async () => {
              for (const set of [setTimeout, setInterval]) {
                const bytes = new Uint8Array(8 << 10).fill(1);
                set(() => { fired += bytes[0]; }, 50);
              }
              await new Promise(resolve => setImmediate(resolve));
              return fired;
            }
            """)
        request.limits.memoryMB = 32
        var last: Int64 = -1
        try await Self.calls(10_000, of: request) { last = $0 }
        #expect(last == 0, "each call ends before its own timers are due")
    }

    @Test func `Tasks that Python calls leave pending are cancelled with the call`() async throws {
        let source = """
            import asyncio, weakref
            tasks = weakref.WeakSet()
            async def handler(event):
                left = len(tasks)
                tasks.add(asyncio.create_task(asyncio.sleep(3600)))
                await asyncio.sleep(0)
                return left
            """
        try await Self.calls(500, of: .python(source)) { #expect($0 <= 1) }
    }
}
