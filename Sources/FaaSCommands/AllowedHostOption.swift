import Access
import ArgumentParser
import FunctionModel

/// The server's own names.
struct AllowedHostOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A name of the server that clients use, besides localhost and loopback addresses; may be repeated. On a "
                + "loopback address, and with this option on every address, a request with another Host gets 403.",
            valueName: "name"))
    var allowedHost: [String] = []

    func validate() throws {
        for name in allowedHost where HostRule.name(name) == nil {
            throw ValidationError(
                "Invalid --allowed-host: \(quoted(name)). Use a host name or address, without a port.")
        }
    }
}
