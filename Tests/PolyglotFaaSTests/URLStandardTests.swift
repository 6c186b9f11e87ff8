import Foundation
import FunctionModel
import PolyglotFaaS
import Testing

/// `URL` against the data of the web platform tests.
@Suite struct URLStandardTests {
    /// As bytes: some of its texts have half a surrogate pair.
    private static func data(_ name: String) throws -> [UInt8] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "WebPlatformTests/\(name)")
        return Array(try Data(contentsOf: file))
    }

    /// Runs the source's handler on the data: it answers with how many cases passed and what failed.
    private static func run(_ source: String, on name: String) async throws -> (passed: Int64?, failures: JSONValue?) {
        try await withRuntime { runtime in
            var request = InvocationRequest.js(source)
            request.event = try data(name)
            let answer = try await runtime.value(request)
            return (answer["passed"]?.integerValue, answer["failures"])
        }
    }

    @Test func `Every case of urltestdata parses or fails as it should`() async throws {
        let source = """
            const parts = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];
            function problem(test) {
              let url;
              try { url = new URL(test.input, test.base ?? undefined); } catch (error) { return test.failure ? undefined : error.message; }
              if (test.failure) return `is ${url.href}`;
              for (const part of parts) if (part in test && url[part] !== test[part]) return `${part} is ${url[part]}, not ${test[part]}`;
            }
            function handler(tests) {
              const failures = [];
              let passed = 0;
              for (const test of tests) {
                if (typeof test === 'string') continue;
                const found = problem(test);
                if (found === undefined) passed++; else failures.push([test.input, test.base, found]);
              }
              return { passed, failures };
            }
            """
        let (passed, failures) = try await Self.run(source, on: "urltestdata.json")
        #expect(failures == [])
        #expect(passed == 891)
    }

    @Test func `Every case of setters_tests changes what it should`() async throws {
        let source = """
            function handler(tests) {
              const failures = [];
              let passed = 0;
              for (const [part, cases] of Object.entries(tests)) {
                if (part === 'comment') continue;
                for (const test of cases) {
                  const url = new URL(test.href);
                  url[part] = test.new_value;
                  const wrong = Object.entries(test.expected).filter(([name, value]) => url[name] !== value);
                  if (wrong.length === 0) passed++; else failures.push([part, test.href, test.new_value, wrong.map(([name]) => url[name])]);
                }
              }
              return { passed, failures };
            }
            """
        let (passed, failures) = try await Self.run(source, on: "setters_tests.json")
        #expect(failures == [])
        #expect(passed == 278)
    }
}
