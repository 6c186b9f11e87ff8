import FileStorage
import Foundation
import FunctionExecution
import FunctionModel
import FunctionStorage
import NIOCore
import NIOPosix
import Telemetry
import TestSupport
import Testing

@testable import FunctionService

/// The use cases, over files and with the real workers.
@Suite struct FunctionServiceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func withService(_ body: (FunctionService) async throws -> Void) async throws {
        var configuration = FunctionRuntime.Configuration()
        configuration.workerDirectory = Binaries.directory.path
        configuration.spareWorkersPerLanguage = 0
        configuration.buildDirectory = "\(folder.path)/.faas/builds"
        let service = FunctionService(
            repository: FileFunctionRepository(dataDirectory: "\(folder.path)/.faas"),
            artifacts: FileArtifactStore(dataDirectory: "\(folder.path)/.faas"), configuration: configuration)
        do {
            try await body(service)
        } catch {
            await service.shutDown()
            throw error
        }
        await service.shutDown()
    }

    private func call(_ service: FunctionService, _ id: String, _ event: String = "{}") async throws -> String {
        let reference = try FunctionReference(id)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let function = try await withCheckedThrowingContinuation { continuation in
            service.resolve(reference, on: loop) { continuation.resume(with: $0) }
        }
        let outcome = await service.invoke(
            function, event: ByteBuffer(string: event), requestID: "r", timeoutMillis: nil, trigger: .library)
        return String(decoding: try outcome.result.get().readableBytesView, as: UTF8.self)
    }

    @Test func `A manifest is deployed, listed, invoked, replaced, deleted, and its rests are pruned`() async throws {
        try await withService { service in
            try folder.write("from shop import price\ndef handler(event): return price", to: "app/src/main.py")
            try folder.write("price = 3", to: "app/src/shop.py")
            let path = try folder.write(
                #"{"id": "a", "languageId": "python", "sourceDir": "src", "sourceFile": "main.py"}"#,
                to: "app/function.json")
            let function = try await service.deployments.deploy(try Manifest(file: path), at: path).function
            let name = try #require(function.definition.folders.source)
            #expect(ArtifactName.isValid(name), "no path of this host: \(name)")
            try await #expect(call(service, "a") == "3")
            try await #expect(service.deployments.list().functions == [function])
            try await #expect(service.deployments.versions(of: function.id).map(\.revision) == [function.revision])
            try folder.write("price = 4", to: "app/src/shop.py")
            let second = try await service.deployments.deploy(try Manifest(file: path), at: path).function
            #expect(second.revision != function.revision)
            try await #expect(call(service, "a") == "4")
            try await service.deployments.delete(function.id)
            await #expect(throws: FunctionNotFound.self) { try await call(service, "a") }
            try await #expect(service.prune(isDryRun: true).isEmpty, "what is an hour old at least")
        }
    }

    @Test func `A JavaScript project becomes one module, and an error in it is reported by the deployment`()
        async throws
    {
        try await withService { service in
            try folder.write("import { two } from './lib.js'; export const handler = () => two", to: "app/main.js")
            try folder.write("export const two = 2", to: "app/lib.js")
            let path = try folder.write(
                #"{"id": "a", "languageId": "js", "sourceFile": "main.js"}"#, to: "app/function.json")
            _ = try await service.deployments.deploy(try Manifest(file: path), at: path)
            try await #expect(call(service, "a") == "2")
            try folder.write("export const two = ;", to: "app/lib.js")
            await #expect(throws: LoadError.self) {
                try await service.deployments.deploy(try Manifest(file: path), at: path)
            }
            try await #expect(call(service, "a") == "2", "the function that works is still there")
        }
    }

    @Test func `A folder written by GraalFaaS runs as it is, ES modules too`() async throws {
        try folder.write(
            #"{"id": "esm", "languageId": "js", "functionName": "handler", "jsEvalAsModule": true, "sourceCode": "export const handler \u003d e \u003d> e.n + 1", "dependencies": {}}"#,
            to: ".faas/functions/esm.json")
        let before = try folder.text(of: ".faas/functions/esm.json")
        try await withService { service in try await #expect(call(service, "esm", #"{"n": 1}"#) == "2") }
        #expect(try folder.text(of: ".faas/functions/esm.json") == before)
    }

    @Test func `A function that moved with its data directory finds its folder, in the same revision`() async throws {
        try folder.write("def handler(event): return 1", to: "app/src/handler.py")
        let path = try folder.write(
            #"{"id": "a", "languageId": "python", "sourceDir": "src"}"#, to: "app/function.json")
        try await withService { service in
            let saved = try await service.deployments.deploy(try Manifest(file: path), at: path).function
            try #require(rename("\(folder.path)/.faas", "\(folder.path)/moved") == 0)
            let moved = Deployments(
                repository: FileFunctionRepository(dataDirectory: "\(folder.path)/moved"),
                artifacts: FileArtifactStore(dataDirectory: "\(folder.path)/moved"),
                configuration: FunctionRuntime.Configuration())
            try await #expect(moved.load(saved.id) == saved)
            try FileManager.default.removeItem(atPath: "\(folder.path)/moved/layers")
            let error = await #expect(throws: BrokenFunction.self) { try await moved.load(saved.id) }
            #expect(error?.reason.hasSuffix("upload the function again") == true)
            try await #expect(moved.list().broken.count == 1)
            await #expect(throws: InvalidRequest.self) { try await moved.prune(isDryRun: false) }
        }
    }
}
