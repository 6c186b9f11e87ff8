import Access
import ArgumentParser
import FaaSServer
import FunctionModel

/// How much clients of a server may store.
struct QuotaOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many functions may be stored for a client to deploy one more. Default: no limit.", valueName: "n"))
    var maxFunctions: Int?
    @Option(
        help: ArgumentHelp(
            "How large the data directory may be for a client to deploy to it, in MB (2^20 bytes). Default: no limit.",
            valueName: "MB"))
    var maxDisk: Int?

    func validate() throws {
        try OptionRange.check("--max-functions", maxFunctions, 1...1_000_000)
        try OptionRange.check("--max-disk", maxDisk, 1...1 << 30, "MB")
    }
}

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
