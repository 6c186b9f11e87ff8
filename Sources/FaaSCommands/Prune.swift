import ArgumentParser
import Builds
import FileStorage
import Foundation
import FunctionModel
import FunctionStorage
import PolyglotFaaS

struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove layers and builds that no stored function uses.",
        discussion: """
            Layers are the folders and packages of Python functions; builds are what becomes of JavaScript modules and TypeScript. What \
            has changed within the last hour stays, because an upload may be about to use it.

            A server that runs may still have workers of a function that has been replaced or deleted since. What those read goes too: \
            prune a while after such changes, or when no server runs.

            EXAMPLES
              faas prune --dry-run
              faas prune
            """)

    @Flag(name: .customLong("dry-run"), help: "Only say what would be removed.")
    var isDryRun = false
    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var json: JSONOption

    /// An upload makes or touches a layer before it stores the function that refers to it.
    private static let youngestAge: TimeInterval = 3600

    func run() throws {
        do {
            let store = storeOptions.store
            let (functions, broken) = try store.list()
            if let first = broken.first {
                throw InvalidRequest(
                    "\(first.message). It could refer to anything, so nothing is removed: repair it or delete it first."
                )
            }
            let date = Date(timeIntervalSinceNow: -Self.youngestAge)
            let builds = ScriptBuilds.fileNames(of: functions.filter(\.needsBuild).map(\.definition))
            let unused =
                try UnusedFile.find(
                    in: store.layers.directory, needed: FunctionStore.layerNames(of: functions), unchangedSince: date)
                + UnusedFile.find(in: storeOptions.buildDirectory, needed: builds, unchangedSince: date)
            for file in unused {
                if !isDryRun { try file.remove() }
                if !json.isJSON {
                    Output.line("\(isDryRun ? "Would remove" : "Removed") \(file.path) (\(file.bytes) bytes)")
                }
            }
            let bytes = unused.reduce(0) { $0 + $1.bytes }
            if json.isJSON {
                let files = unused.map { file -> JSONValue in
                    ["path": .string(file.path), "bytes": .integer(Int64(file.bytes))]
                }
                Output.json(["dryRun": .bool(isDryRun), "removed": .array(files), "bytes": .integer(Int64(bytes))])
            } else {
                Output.line(
                    unused.isEmpty ? "Nothing to remove." : "\(isDryRun ? "Would remove" : "Removed") \(bytes) bytes.")
            }
        } catch {
            throw fail(error, asJSON: json.isJSON)
        }
    }
}
