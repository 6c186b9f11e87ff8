import Access
import HTTPTypes
import Hummingbird

/// One path of the control plane, with the methods it has. A folder of this target has the routes of one concern;
/// ``Routes`` makes one router of them all.
package struct Route: Sendable {
    typealias Respond = @Sendable (Request, FunctionRequestContext) async throws -> Response

    /// As Hummingbird writes it: `/functions/:id`.
    let path: String
    let methods: [HTTPRequest.Method]
    /// What a caller needs for it; nil: nothing. While there are no tokens, programs on this machine have all scopes.
    let scope: Scope?
    /// nil: `InvokeHandler` answers before the router.
    let respond: Respond?

    init(_ methods: HTTPRequest.Method..., path: String, scope: Scope?, respond: Respond?) {
        self.path = path
        self.scope = scope
        self.methods = methods
        self.respond = respond
    }

    /// Checks the caller first. Here and not where paths are compared: the router may see a path in another spelling.
    var authorizedRespond: Respond? {
        guard let respond else { return nil }
        return { [scope] request, context in
            if let scope { try context.require(scope) }
            return try await respond(request, context)
        }
    }
}
