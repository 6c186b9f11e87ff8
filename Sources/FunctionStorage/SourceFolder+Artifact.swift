import Foundation
import FunctionModel

extension SourceFolder {
    /// Copies the files into an artifact.
    /// - Returns: its name.
    package func makeArtifact(in artifacts: any ArtifactStore) async throws -> String {
        try await artifacts.make { folder in
            var name = ArtifactName("source")
            for file in files {
                let bytes: [UInt8]
                do throws(FileProblem) {
                    bytes = try readFile("\(path)/\(file.path)", limit: Self.maximumBytes).bytes
                } catch {
                    throw InvalidManifest("\(path)/\(file.path): the file \(error.phrase)")
                }
                name.add(Array(file.path.utf8))
                name.add(bytes)
                let target = "\(folder)/\(file.path)"
                try FileManager.default.createDirectory(
                    atPath: parent(of: target), withIntermediateDirectories: true)
                try Data(bytes).write(to: URL(fileURLWithPath: target))
            }
            return name.text
        }
    }
}
