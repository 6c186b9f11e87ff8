import Foundation
import FunctionModel
import FunctionStorage
import NIOPosix

/// How much a data directory holds.
public struct FileUsage: UsageMeter {
    private let dataDirectory: String

    public init(dataDirectory: String) { self.dataDirectory = dataDirectory.isEmpty ? "." : dataDirectory }

    public func usage(besides id: FunctionID) async throws -> StoreUsage {
        try await NIOThreadPool.singleton.runIfActive { [dataDirectory] in
            var usage = StoreUsage(otherFunctions: 0, bytes: 0)
            guard let files = FileManager.default.enumerator(atPath: dataDirectory) else { return usage }
            while let name = files.nextObject() as? String {
                var status = stat()
                // A file may be removed meanwhile. The size of a link's target counts elsewhere.
                guard lstat("\(dataDirectory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                    continue
                }
                // What the file takes: a sparse one may claim any size.
                usage.bytes += Int(status.st_blocks) * 512
                let parts = name.split(separator: "/")
                guard parts.count == 2, parts[0] == "functions",
                    let other = FileFunctionRepository.functionID(fileName: String(parts[1])), other != id
                else { continue }
                usage.otherFunctions += 1
            }
            return usage
        }
    }
}
