import FunctionModel
import WorkerProtocol

extension LoadMessage {
    /// What a worker is told of the function that it serves.
    ///
    /// - Parameter artifactPath: the path of a folder that the function names.
    init(
        _ function: Function, memoryMB: Int, logBytes: Int, lesson: LearnedImports.Lesson = .init(),
        artifactPath: (String) -> String?
    ) {
        let definition = function.definition
        let built = function.built
        let isolation: Isolation =
            switch definition.isolation {
            case .invocation: .invocation
            case .process: .process
            case .instance: .instance
            }
        self.init(
            isolation: isolation, memoryBytes: UInt64(clamping: memoryMB << 20), logBytes: UInt64(clamping: logBytes),
            functionID: function.id.text,
            revision: function.revision, functionName: definition.functionName, sourceName: definition.sourceName,
            source: built?.script ?? definition.sourceCode,
            dependencies: built != nil
                ? [] : definition.dependencies.sorted { $0.key < $1.key }.map { .init(name: $0.key, source: $0.value) },
            environment: definition.environment.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: $0.value) },
            prime: definition.prime.map { $0.jsonText() },
            sourceFolder: definition.folders.source.flatMap(artifactPath) ?? "",
            packageFolder: definition.folders.packages.flatMap(artifactPath) ?? "",
            sourceMap: built?.sourceMap ?? "",
            learningMillis: lesson.milliseconds, imports: lesson.imports)
    }
}
