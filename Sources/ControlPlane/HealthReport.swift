import FunctionModel
import FunctionService
import Hummingbird
import NIOCore

/// The response to `GET /health?verbose`: what runs, and what confines it.
struct HealthReport {
    private let health: ServiceHealth

    init(_ health: ServiceHealth) { self.health = health }

    var json: JSONValue {
        [
            "status": "OK", "workers": .integer(Int64(health.workers)),
            "idleWorkers": .integer(Int64(health.idleWorkers)),
            "retiredWorkers": .integer(Int64(health.retiredWorkers)),
            "retiredWorkerCounts": .object(health.retiredWorkerCounts.mapValues { .integer(Int64($0)) }),
            "evictedReadyWorkers": .integer(Int64(health.evictedReadyWorkers)),
            "invocationsEndedForMemory": .integer(Int64(health.invocationsEndedForMemory)),
            "sandbox": .string(health.sandbox),
            "controlGroups": Self.json(health.controlGroups),
            "languages": .array(
                health.languages.map { language in
                    [
                        "languageId": .string(language.languageID), "engine": .string(language.engine),
                        "layers": .array(language.layers.map(Self.json)),
                    ]
                }),
        ]
    }

    private static func json(_ layer: ServiceHealth.Layer) -> JSONValue {
        ["name": .string(layer.name), "state": .string(layer.state), "detail": .string(layer.detail)]
    }

    func response() -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.jsonBytes())))
    }
}
