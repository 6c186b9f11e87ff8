import FunctionModel
import Hummingbird
import NIOCore
import PolyglotFaaS

/// The answer to `GET /health?verbose`: what runs, and what confines it.
struct HealthReport {
    private let runtime: FunctionRuntime

    init(_ runtime: FunctionRuntime) { self.runtime = runtime }

    var json: JSONValue {
        [
            "status": "OK", "workers": .integer(Int64(runtime.workerCount)),
            "retiredWorkers": .integer(Int64(runtime.retiredWorkerCount)),
            "sandbox": .string(runtime.configuration.sandbox.rawValue),
            "controlGroups": Self.json(runtime.controlGroupReport),
            "languages": .array(
                runtime.sandboxReports.map { report in
                    [
                        "languageId": .string(report.language.id), "engine": .string(report.engine),
                        "layers": .array(report.layers.map(Self.json)),
                    ]
                }),
        ]
    }

    private static func json(_ layer: SandboxReport.Layer) -> JSONValue {
        ["name": .string(layer.name), "state": .string(layer.state), "detail": .string(layer.detail)]
    }

    func response() -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.jsonBytes())))
    }
}
