import PolyglotFaaS

@main
struct EmbedInSwift {
    struct Person: Encodable {
        var name: String
        var visits: Int
    }

    struct Greeting: Decodable {
        var message: String
        var visits: Int
    }

    static func main() async throws {
        let runtime = FunctionRuntime()
        do {
            // Optional: without it, each engine starts with its first invocation.
            try await runtime.start()
            try await greet(with: runtime)
            try await greetInTypes(with: runtime)
            try await runOutOfTime(with: runtime)
        } catch {
            await runtime.shutDown()
            throw error
        }
        await runtime.shutDown()
        print("Workers left: \(runtime.workerCount)")
    }

    /// The event and the result are JSON values.
    static func greet(with runtime: FunctionRuntime) async throws {
        let javaScript = InvocationRequest(
            languageID: "js",
            sourceCode: """
                const { greet } = require('greeter');
                function handler(event) {
                  console.log(`greeting ${event.name}`);
                  return { message: greet(event.name) };
                }
                """,
            event: ["name": "World"],
            dependencies: ["greeter": "exports.greet = name => `Hello, ${name}!`;"],
            timeoutMillis: 5000)
        let result = try await runtime.invoke(javaScript)
        print("JavaScript: \(try result.value["message"]?.stringValue ?? "no message")")
        for line in result.logs { print("    log: [\(line.level)] \(line.text)") }

        let python = InvocationRequest(
            languageID: "python",
            sourceCode: """
                def handler(event):
                    return {"message": f"Hello, {event['name']}!"}
                """,
            event: ["name": "World"],
            timeoutMillis: 5000)
        print("Python: \(try await runtime.invoke(python).value["message"]?.stringValue ?? "no message")")
    }

    /// The event is `Encodable` and the result `Decodable`.
    static func greetInTypes(with runtime: FunctionRuntime) async throws {
        let request = try InvocationRequest(
            languageID: "python",
            sourceCode: """
                def handler(event):
                    return {"message": f"Welcome back, {event['name']}!", "visits": event["visits"] + 1}
                """,
            encoding: Person(name: "Ada", visits: 2),
            timeoutMillis: 5000)
        let greeting = try await runtime.invoke(request, as: Greeting.self)
        print("In types: \(greeting.message) Visits: \(greeting.visits)")
    }

    /// The worker of a function that takes too long is killed; the next call gets another.
    static func runOutOfTime(with runtime: FunctionRuntime) async throws {
        let endless = InvocationRequest(
            languageID: "js", sourceCode: "function handler() { while (true) {} }", timeoutMillis: 200)
        do {
            _ = try await runtime.invoke(endless)
            print("An endless loop has ended.")
        } catch let error as InvocationTimeout {
            print("Timeout: \(error.message)")
        }
    }
}
