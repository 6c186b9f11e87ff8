import FunctionModel
import TestSupport

extension HTTPAnswer {
    /// The body as a value.
    var json: JSONValue {
        get throws { try JSONValue(json: Array(body)) }
    }

    /// `errorType` of an error's body.
    var errorType: String? { (try? json)?["errorType"]?.stringValue }
    var errorMessage: String? { (try? json)?["error"]?.stringValue }
}

extension ProgramResult {
    /// Standard output as a value.
    var json: JSONValue {
        get throws { try JSONValue(json: Array(output.utf8)) }
    }
}

extension TestFunction {
    static let hello = TestFunction.js(
        "hello", "function handler(event) { return { message: `Hello, ${event.name}!` } }")

    /// One function of each kind; all answer alike.
    static let greeters = [
        hello,
        js(
            "hello-deps",
            "const { greet } = require('greeter'); exports.handler = event => ({ message: greet(event.name) })",
            dependencies: [
                "greeter": "const { mark } = require('mark'); exports.greet = name => `Hello, ${name}${mark}`",
                "mark": "exports.mark = '!'",
            ]),
        python("hello-py", "def handler(event):\n    return {'message': f\"Hello, {event['name']}!\"}"),
        python(
            "hello-py-deps",
            "from greetings.english import greet\ndef handler(event, context):\n    return {'message': "
                + "greet(event['name'])}",
            dependencies: [
                "greetings.english": "import mark\ndef greet(name): return f'Hello, {name}{mark.mark}'",
                "mark": "mark = '!'",
            ]),
    ]

    /// Answers its event in either language.
    static let echo = [
        js("echo", "exports.handler = event => event"), python("echo-py", "def handler(event): return event"),
    ]

    /// Loops until it is ended when the event is true, answers at once otherwise.
    static func endless(_ language: String, timeoutMillis: Int) -> TestFunction {
        language == "js"
            ? js(
                "endless", "function handler(event) { while (event === true) {} return 'answer' }",
                timeoutMillis: timeoutMillis)
            : python(
                "endless", "def handler(event):\n    while event is True: pass\n    return 'answer'",
                timeoutMillis: timeoutMillis
            )
    }
}
