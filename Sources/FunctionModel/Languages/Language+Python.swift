extension Language {
    public static let python = Language(
        id: "python", name: "Python", workerExecutable: "faas-worker-python", fileExtension: "py",
        capabilities: Capabilities(
            installsPackages: true,
            hasSourceFolder: true,
            hasTemporaryFiles: true,
            learnsImports: true,
            outOfMemory: ErrorPattern(name: "MemoryError")),
        examples: Examples(
            template: """
                def handler(event, context):
                    name = event.get("name", "World")
                    print(f"greeting {name}")
                    return {"message": f"Hello, {name}!"}

                """,
            demo: (
                """
                def handler(event):
                    name = event.get("name", "World")
                    return f"Hello, {name}!"
                """, ["name": "PyUser"]
            )))
}
