import Foundation
import FunctionModel
import TestSupport
import Testing

/// Python functions with packages and with folders of modules.
@Suite(.serialized) struct PackageTests {
    /// Whether pip can reach an index that has numpy.
    private static let hasIndex: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-I", "-m", "pip", "index", "versions", "--retries", "0", "numpy"]
        return process.isSuccess
    }()

    /// A wheel is a zip file: this makes one, so that no index is needed.
    private static let makeWheel = """
        import sys, zipfile
        with zipfile.ZipFile(sys.argv[1] + "/faas_tiny-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("faas_tiny/__init__.py", "from faas_tiny.words import hello\\ndef fail(): raise ValueError('tiny')\\n")
            wheel.writestr("faas_tiny/words.py", "hello = 'Hello from a package'\\n")
            wheel.writestr("faas_tiny/data.txt", "data")
            wheel.writestr("faas_tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: faas-tiny\\nVersion: 1.0\\n")
            wheel.writestr("faas_tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            wheel.writestr("faas_tiny-1.0.dist-info/RECORD", "")
        """

    private func upload(_ manifest: String, in workspace: Workspace) async throws -> ProgramResult {
        try await Program.run(
            Binaries.faas.path, ["upload", manifest], in: workspace.directory.path,
            environment: Workspace.environment.merging([
                "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": workspace.directory.path("wheels"),
                "PIP_CONFIG_FILE": "/dev/null",
            ]) { $1 })
    }

    @Test func `Packages are installed once for all functions that need the same, and are read-only`() async throws {
        try await Workspace.with { workspace in
            try FileManager.default.createDirectory(
                atPath: workspace.directory.path("wheels"), withIntermediateDirectories: true)
            let made = try await Program.run(
                "/usr/bin/python3", ["-c", Self.makeWheel, workspace.directory.path("wheels")])
            try #require(made.exit == .code(0), "\(made.errorOutput)")
            let source = """
                import faas_tiny, importlib.metadata, importlib.resources
                def handler(event):
                  if event.get("fail"): faas_tiny.fail()
                  if event.get("write"): open(faas_tiny.__file__, "w")
                  return [faas_tiny.hello, importlib.metadata.version("faas-tiny"), importlib.resources.files("faas_tiny").joinpath("data.txt").read_text()]
                """
            try workspace.directory.write(source, to: "one/handler.py")
            try workspace.directory.write(
                #"{"id": "one", "languageId": "python", "sourceFile": "handler.py", "requirements": ["faas-tiny==1.*"]}"#,
                to: "one/function.json")
            try workspace.directory.write(source, to: "two/handler.py")
            try workspace.directory.write(
                #"{"id": "two", "languageId": "python", "sourceFile": "handler.py"}"#, to: "two/function.json")
            try workspace.directory.write("faas-tiny==1.*  # the same\n", to: "two/requirements.txt")
            let first = try await upload("one/function.json", in: workspace)
            #expect(first.exit == .code(0), "\(first.errorOutput)")
            #expect(first.errorOutput.hasPrefix("Installing packages: faas-tiny==1.*\n"))
            #expect(first.errorOutput.contains("Successfully installed faas-tiny-1.0"))
            let second = try await upload("two/function.json", in: workspace)
            #expect(second.exit == .code(0) && second.errorOutput == "", "\(second.errorOutput)")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: workspace.directory.path(".faas/layers")).count == 1
            )
            for id in ["one", "two"] {
                let answer = try await workspace.faas("invoke", id)
                #expect(answer.output == #"["Hello from a package","1.0","data"]"# + "\n", "\(answer.errorOutput)")
            }
            let fails = try await workspace.faas("invoke", "one", "--event", #"{"fail":true}"#)
            #expect(
                fails.errorOutput
                    == "Error: ValueError: tiny\n    File \"handler.py\", line 3, in handler\n    File \"faas_tiny/__init__.py\", line 2, in fail\n"
            )
            let writes = try await workspace.faas("invoke", "one", "--event", #"{"write":true}"#)
            #expect(
                writes.errorOutput.contains("Error: OSError: [Errno 30] Read-only")
                    || writes.errorOutput.contains("Error: PermissionError: "),
                "\(writes.errorOutput)")

            let missing = try await upload(
                workspace.directory.write(
                    #"{"id": "x", "languageId": "python", "source": "", "requirements": ["faas-none"]}"#, to: "x.json"),
                in: workspace)
            #expect(missing.exit == .code(1))
            #expect(
                missing.errorOutput.hasSuffix(
                    "Error: The packages cannot be installed: faas-none. What pip says is above. "
                        + "Only wheels are installed: a package that has only a source distribution is not built.\n"),
                "\(missing.errorOutput)")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: workspace.directory.path(".faas/layers")).count
                    == 1, "nothing half is left")
        }
    }

    @Test func `What was learned is there after a restart, until the revision is gone and pruned`() async throws {
        let source = """
            import sys
            def handler(event):
                found = "xml.dom.minidom" in sys.modules
                import xml.dom.minidom
                return found
            """
        try await Workspace.with([.python("lazy", source)]) { workspace in
            let folder = workspace.directory.path(".faas/imports")
            func stored() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }
            for firstAnswer in ["false", "true"] {
                try await Server.with(in: workspace, arguments: ["--workers-per-function", "1"]) { server in
                    try await #expect(server.http.invoke("lazy").text == firstAnswer)
                    try await #expect(server.http.invoke("lazy").text == "true")
                    try await waitUntil("it is stored") { stored().count == 1 }
                }
            }
            let file = try #require(stored().first)
            let names = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8).split(separator: "\n")
            #expect(names.contains("xml.dom.minidom") && names.allSatisfy { !$0.contains("/") }, "\(names)")
            // A file of nonsense makes no call fail.
            try "\0\n../x\nxml.dom.minidom\nno such module\n".write(
                toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
            try await Server.with(in: workspace) { server in
                try await #expect(server.http.invoke("lazy").text == "true")
            }
            #expect(try await workspace.faas("prune").exit == .code(0))
            #expect(stored() == [file])
            #expect(try await workspace.faas("delete", "lazy").exit == .code(0))
            #expect(try await workspace.faas("prune").exit == .code(0))
            #expect(stored() == [])
        }
    }

    @Test func `A folder of modules is a source, with its data beside the code, and its processes end with it`()
        async throws
    {
        try await Workspace.with { workspace in
            for (name, text) in [
                "shop/main.py": """
                import os, importlib.resources, uuid
                from . import prices
                from helpers import double
                ran_as_main = __name__ == "__main__"
                def handler(event, context):
                  if event.get("fail"): prices.fail()
                  here = os.path.dirname(__file__)
                  if event.get("look"): return os.listdir(os.path.join(here, "..", ".."))
                  with open(os.path.join(here, "data", "größe.txt")) as file: text = file.read()
                  return [double(prices.price), text, importlib.resources.files("shop").joinpath("data/größe.txt").read_text(), __name__, ran_as_main, uuid.mine]
                """,
                "shop/__init__.py": "", "shop/prices.py": "price = 3\ndef fail():\n  raise KeyError('price')\n",
                "shop/data/größe.txt": "Größe\n",
                "helpers.py": "def double(n): return 2 * n", "uuid.py": "mine = 'own'",
            ] { try workspace.directory.write(text, to: "app/src/\(name)") }
            try workspace.directory.write(
                #"{"id": "shop", "languageId": "python", "sourceDir": "src", "sourceFile": "shop/main.py"}"#,
                to: "app/function.json")
            let uploaded = try await workspace.faas("upload", "app/function.json")
            #expect(uploaded.exit == .code(0), "\(uploaded.errorOutput)")
            // Nothing of the original is needed.
            try FileManager.default.removeItem(atPath: workspace.directory.path("app"))
            try await Server.with(in: workspace) { server in
                for _ in 0..<5 {
                    let answer = try await server.http.invoke("shop")
                    #expect(answer.text == #"[6,"Größe\n","Größe\n","shop.main",false,"own"]"#)
                }
                let looks = try await server.http.invoke("shop", #"{"look":true}"#)
                try #expect(
                    looks.json["errorType"] == "PermissionError", "other layers are not to be seen: \(looks.text)")
                let fails = try await server.http.invoke("shop", #"{"fail":true}"#)
                try #expect(
                    fails.json["stackTrace"] == [
                        "File \"shop/prices.py\", line 3, in fail", "File \"shop/main.py\", line 6, in handler",
                    ])
            }
        }
    }

    @Test(.enabled(if: hasIndex, "no index of packages can be reached"), .timeLimit(.minutes(5)))
    func `The example with numpy computes in each state of a worker, and its random numbers differ`() async throws {
        try await Workspace.with { workspace in
            let example = Binaries.repository.appendingPathComponent("Examples/functions/python-numpy")
            let uploaded = try await workspace.faas("upload", example.appendingPathComponent("function.jsonc").path)
            #expect(uploaded.exit == .code(0), "\(uploaded.errorOutput)")
            let invoked = try await workspace.faas(
                "invoke", "python-numpy", "--event", #"{"matrix":[[2,1],[1,3]],"vector":[3,5]}"#)
            #expect(invoked.output == "{\"solution\":[0.8,1.4]}\n", "\(invoked.errorOutput)")

            let random = """
                import numpy as np
                generator = np.random.default_rng()
                def handler(event): return [np.random.rand(), np.random.default_rng().random(), float(np.linalg.norm(np.ones((200, 200)) @ np.ones((200, 200))))]
                """
            for isolation in ["invocation", "process"] {
                let manifest: JSONValue = [
                    "id": .string(isolation), "languageId": "python", "source": .string(random),
                    "requirements": ["numpy==2.*"],
                    "isolation": .string(isolation), "timeoutMillis": 20_000,
                ]
                try workspace.directory.write(manifest.jsonText(), to: "random.json")
                let uploaded = try await workspace.faas("upload", "random.json")
                #expect(
                    uploaded.exit == .code(0) && uploaded.errorOutput == "",
                    "the example's layer serves: \(uploaded.errorOutput)")
            }
            try await Server.with(in: workspace) { server in
                for isolation in ["invocation", "process"] {
                    var values: [JSONValue] = []
                    for _ in 0..<6 {
                        let answer = try await server.http.invoke(isolation)
                        #expect(answer.status == 200, "\(answer.text)")
                        values.append(try answer.json)
                    }
                    for index in 0..<2 {
                        #expect(Set(values.map { $0[index] }).count == 6, "\(isolation) \(index): \(values)")
                    }
                    #expect(Set(values.map { $0[2] }).count == 1)
                }
            }
        }
    }
}

extension Process {
    fileprivate var isSuccess: Bool {
        standardOutput = FileHandle.nullDevice
        standardError = FileHandle.nullDevice
        guard (try? run()) != nil else { return false }
        waitUntilExit()
        return terminationStatus == 0
    }
}
