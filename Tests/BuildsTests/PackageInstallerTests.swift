import Foundation
import FunctionExecution
import FunctionModel
import TestSupport
import Testing

@testable import Builds

@Suite struct PackageInstallerTests {
    @Test func `pip gets what configures it, and nothing that may be secret`() {
        let kept = ["PATH": "/bin", "PIP_INDEX_URL": "x", "HTTPS_PROXY": "y", "no_proxy": "z", "HOME": "/root"]
        let all = kept.merging(["AWS_SECRET_ACCESS_KEY": "s", "DATABASE_URL": "d", "PYTHONPATH": "/p"]) { $1 }
        #expect(PackageInstaller.environment(all) == kept)
    }

    @Test func `The version of Python comes from the worker, which does not start for it`() async throws {
        let installer = PackageInstaller(
            queue: BuildQueue(), executables: WorkerExecutables(directory: Binaries.directory.path), language: .python)
        let key = try await installer.key(of: ["b", "a"])
        #expect(key.first?.wholeMatch(of: /CPython 3\.\d+/) != nil, "\(key)")
        #expect(key.suffix(2) == ["b", "a"])
    }
}
