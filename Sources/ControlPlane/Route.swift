import HTTPTypes
import Hummingbird

/// One path of the control plane, with the methods it has. A folder of this target has the routes of one concern;
/// ``Routes`` makes one router of them all.
package struct Route: Sendable {
    typealias Respond = @Sendable (Request, FunctionRequestContext) async throws -> Response

    /// As Hummingbird writes it: `/functions/:id`.
    let path: String
    let methods: [HTTPRequest.Method]
    /// nil: `InvokeHandler` answers before the router.
    let respond: Respond?

    init(_ methods: HTTPRequest.Method..., path: String, respond: Respond?) {
        self.path = path
        self.methods = methods
        self.respond = respond
    }
}
