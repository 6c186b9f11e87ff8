/// What the fast path needs to know of the server's configuration.
package struct DataPlaneConfiguration: Sendable {
    /// The timeout of functions that have none of their own, in milliseconds.
    package var defaultTimeoutMillis: Int
    /// The largest event of functions that have no limit of their own, in bytes.
    package var maximumEventBytes: Int
    /// The largest event of any function, in bytes.
    package var largestEventBytes: Int
    /// Whether every client of a function is told what failed in it.
    package var showsErrors: Bool

    package init(
        defaultTimeoutMillis: Int, maximumEventBytes: Int, largestEventBytes: Int, showsErrors: Bool = false
    ) {
        self.defaultTimeoutMillis = defaultTimeoutMillis
        self.maximumEventBytes = maximumEventBytes
        self.largestEventBytes = largestEventBytes
        self.showsErrors = showsErrors
    }
}
