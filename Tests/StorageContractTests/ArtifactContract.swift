import Foundation
import FunctionStorage
import TestSupport

/// What every `ArtifactStore` must do. An implementation's tests run each of ``cases`` on an empty store.
public enum ArtifactContract {
    public struct Case: Sendable, CustomStringConvertible {
        public let description: String
        public let run: @Sendable (any ArtifactStore) async throws -> Void
    }

    private struct Failure: Error {}

    public static let cases: [Case] = [
        Case(description: "An artifact is made once, and has its files") { store in
            try require(store.path(of: name) == nil, "it is not there before")
            try await store.make(name) { try write("whole", to: $0) }
            guard let path = store.path(of: name) else { throw TestFailure("no path") }
            try require(path.hasPrefix("/"), "an absolute path")
            try require(try FileManager.default.contentsOfDirectory(atPath: path) == ["file"], "its files")
            try await store.make(name) { _ in throw Failure() }
            try require(store.path(of: name) == path, "it is not made again")
        },
        Case(description: "An artifact that could not be filled is not there") { store in
            do {
                try await store.make(name) { folder in
                    try write("half", to: folder)
                    throw Failure()
                }
                throw TestFailure("no error")
            } catch is Failure {}
            try require(store.path(of: name) == nil, "not there")
            try await store.make(name) { try write("whole", to: $0) }
            try require(store.path(of: name) != nil, "it can be made later")
        },
        Case(description: "An artifact is named after its content, and equal content is stored once") { store in
            for _ in 0..<2 {
                let made = try await store.make { folder in
                    try write("content", to: folder)
                    return name
                }
                try require(made == name, "its name")
            }
            try require(try await store.unused(except: [], unusedForSeconds: 0).count == 1, "stored once")
        },
        Case(description: "Artifacts made at the same time are whole") { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { try await store.make(name) { try write("whole", to: $0) } } }
                try await group.waitForAll()
            }
            guard let path = store.path(of: name) else { throw TestFailure("no path") }
            try require(try String(contentsOfFile: "\(path)/file", encoding: .utf8) == "whole", "content")
        },
        Case(description: "What is needed or recent is not unused; what is removed is gone") { store in
            try await store.make(name) { try write("12345", to: $0) }
            try require(try await store.unused(except: [], unusedForSeconds: 3600).isEmpty, "recent")
            try require(try await store.unused(except: [name], unusedForSeconds: 0).isEmpty, "needed")
            let unused = try await store.unused(except: [], unusedForSeconds: 0)
            try require(unused.map(\.bytes) == [5], "its size")
            for artifact in unused { try await store.remove(artifact) }
            try require(store.path(of: name) == nil, "gone")
            // Another process may have removed it first.
            for artifact in unused { try await store.remove(artifact) }
        },
        Case(description: "No name leads out of the store") { store in
            let names = [
                "../../outside", "..", "", "/", "packages-..", "/etc", "source-\(String(repeating: "0", count: 31))/",
            ]
            for name in names { try require(store.path(of: name) == nil, name) }
        },
    ]

    private static let name = ArtifactName.name("packages", of: ["numpy"])

    private static func write(_ text: String, to folder: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/file"))
    }
}
