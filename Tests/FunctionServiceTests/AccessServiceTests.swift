import Access
import FileStorage
import Foundation
import FunctionExecution
import FunctionModel
import FunctionStorage
import TestSupport
import Testing

@testable import FunctionService

@Suite struct AccessServiceTests {
    private let folder: TemporaryFolder
    private let directory: String
    private let stores: StateAccessStore

    init() throws {
        folder = try TemporaryFolder()
        directory = "\(folder.path)/.faas"
        stores = StateAccessStore(dataDirectory: directory)
    }

    private func function(_ id: String = "a", secrets: [String]) throws -> Function {
        var definition = FunctionDefinition(
            language: try Language(id: "js"), sourceCode: "exports.handler = () => 1", environment: ["PLAIN": "1"])
        definition.secrets = secrets
        return Function(id: try FunctionID(id), definition: definition)
    }

    @Test func `A server follows tokens that another process makes and revokes`() async throws {
        let (server, other) = (
            AccessService(stores: stores), AccessService(stores: StateAccessStore(dataDirectory: directory))
        )
        let control = AccessControl()
        var seen = AccessService.Seen()
        #expect(try await server.refresh(control, &seen) == false)
        #expect(!control.hasTokens)
        let (token, _) = try await other.createToken(name: "a", scopes: [.read], lifetimeSeconds: nil, by: "test")
        #expect(!control.hasTokens)
        #expect(try await server.refresh(control, &seen) == true, "the state is new: secrets may be in it")
        #expect(control.hasTokens)
        #expect(try await server.refresh(control, &seen) == false)
        _ = try await other.revokeToken(token.id, by: "test")
        #expect(try await server.refresh(control, &seen) == false)
        #expect(!control.hasTokens)
        try await other.setSecret("A", to: "1", by: "test")
        #expect(try await server.refresh(control, &seen) == true)
        #expect(try await server.refresh(control, &seen) == false)
    }

    @Test func `A server whose store cannot be read keeps its tokens`() async throws {
        let service = AccessService(stores: stores)
        let control = AccessControl()
        var seen = AccessService.Seen()
        _ = try await service.createToken(name: "a", scopes: [.read], lifetimeSeconds: nil, by: "test")
        _ = try await service.refresh(control, &seen)
        try folder.write(String(repeating: "x", count: 10_000), to: "broken")
        try #require(rename("\(folder.path)/broken", "\(directory)/state.sqlite") == 0)
        await #expect(throws: StorageFailure.self) { try await service.refresh(control, &seen) }
        #expect(control.hasTokens)
    }

    @Test func `A function gets the values of its secrets and keeps its revision`() async throws {
        let values = SecretValues(stores)
        try await stores.setSecret("KEY", to: "one", by: "test")
        try await stores.setSecret("OTHER", to: "not asked for", by: "test")
        let stored = try function(secrets: ["KEY"])
        let first = try await values.fill(stored)
        #expect(first.definition.environment == ["PLAIN": "1", "KEY": "one"])
        #expect(first.revision == stored.revision)
        try await stores.setSecret("KEY", to: "two", by: "test")
        let second = try await values.fill(stored)
        #expect(second.definition.environment["KEY"] == "two")
        #expect(second != first, "no worker of the old value is used for the new one")
        #expect(try await values.fill(stored) == second)

        let plain = try function(secrets: [])
        #expect(try await SecretValues(nil).fill(plain) === plain)
        let missing = try function(secrets: ["KEY", "MISSING"])
        await #expect(throws: SecretNotSet(function: missing.id, name: "MISSING")) { try await values.fill(missing) }
        await #expect(throws: SecretNotSet(function: stored.id, name: "KEY")) {
            try await SecretValues(nil).fill(stored)
        }
    }

    // MARK: Deployments

    private func deployments(_ change: (inout DeploymentRules) -> Void = { _ in }) -> Deployments {
        var rules = DeploymentRules(audit: stores)
        rules.usage = FileUsage(dataDirectory: directory)
        change(&rules)
        return Deployments(
            repository: FileFunctionRepository(dataDirectory: directory),
            artifacts: FileArtifactStore(dataDirectory: directory), rules: rules,
            configuration: FunctionRuntime.Configuration())
    }

    private func manifest(_ id: String, source: String = "exports.handler = () => 1") throws -> Manifest {
        let json: JSONValue = ["id": .string(id), "languageId": "js", "source": .string(source)]
        return try Manifest(json.jsonBytes(), files: .forbidden)
    }

    @Test func `Deployments and deletions that happened are in the audit log`() async throws {
        let deployments = deployments()
        let function = try await deployments.deploy(
            try manifest("a"), at: nil, change: FunctionChange(author: "token:1")
        ).function
        try await deployments.delete(function.id, change: FunctionChange(author: "token:2"))
        await #expect(throws: FunctionNotFound.self) { try await deployments.delete(function.id) }
        let entries = try await stores.auditEntries(limit: 10)
        #expect(
            entries.map { "\($0.actor) \($0.action.rawValue) \($0.object)" } == [
                "token:2 delete a", "token:1 deploy a",
            ])
        #expect(entries.last?.detail == "version 1, revision \(function.revision)")
    }

    @Test func `As many functions are stored as may be, and one that is there can be replaced`() async throws {
        let deployments = deployments { $0.maximumFunctions = 2 }
        _ = try await deployments.deploy(try manifest("a"), at: nil)
        _ = try await deployments.deploy(try manifest("b"), at: nil)
        _ = try await deployments.deploy(try manifest("b", source: "exports.handler = () => 2"), at: nil)
        let error = await #expect(throws: QuotaExceeded.self) {
            try await deployments.deploy(try manifest("c"), at: nil)
        }
        #expect(error?.message.contains("2 functions are stored") == true)
        try await deployments.delete(try FunctionID("a"))
        _ = try await deployments.deploy(try manifest("c"), at: nil)
    }

    @Test func `A data directory that is full takes no deployment`() async throws {
        let deployments = deployments { $0.maximumBytes = 2 << 20 }
        _ = try await deployments.deploy(try manifest("a"), at: nil)
        try folder.write(Array(repeating: 1, count: 2 << 20), to: ".faas/layers/x/data")
        await #expect(throws: QuotaExceeded.self) { try await deployments.deploy(try manifest("b"), at: nil) }
        #expect(try await deployments.list().functions.map(\.id.text) == ["a"])
        try FileManager.default.removeItem(atPath: "\(directory)/layers/x")
        _ = try await deployments.deploy(try manifest("b"), at: nil)
    }
}
