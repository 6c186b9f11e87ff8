extension Language {
    public static let javaScript = Language(
        id: "js", name: "JavaScript", workerExecutable: "faas-worker-javascript", fileExtension: "js",
        capabilities: Capabilities(
            buildsModules: true,
            startsAnewToKeepState: true,
            outOfMemory: ErrorPattern(name: "RangeError", messagePrefix: "Out of memory")),
        examples: Examples(
            template: """
                function handler(event, context) {
                  const name = event.name ?? 'World';
                  console.log(`greeting ${name}`);
                  return { message: `Hello, ${name}!` };
                }

                """,
            demo: (
                """
                function handler(event) {
                  return { message: `Hello, ${event.name}!` };
                }
                """, ["name": "World"]
            )))
}
