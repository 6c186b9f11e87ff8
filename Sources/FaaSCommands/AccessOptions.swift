import Access
import ArgumentParser
import FaaSServer
import FunctionModel

/// Who may use a server.
struct AccessOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Listen on an address that other machines reach although there is no access token: every client may do "
                + "everything."))
    var insecure = false
    @Option(
        help: ArgumentHelp(
            "A proxy's address or range (10.0.0.0/8), whose Forwarded or X-Forwarded-For says which client a request "
                + "comes from; may be repeated.", valueName: "range"))
    var trustedProxy: [String] = []

    func validate() throws {
        for range in trustedProxy where AddressRange(range) == nil {
            throw ValidationError(
                "Invalid --trusted-proxy: \(quoted(range)). Use an address or a range: 10.0.0.1, 10.0.0.0/8, fd00::/8.")
        }
    }

    func apply(to configuration: inout FunctionServer.Configuration) {
        configuration.isInsecure = insecure
        configuration.trustedProxies = TrustedProxies(trustedProxy.compactMap { AddressRange($0) })
    }
}
