/// What the fast path needs to know of the server's configuration.
package struct DataPlaneConfiguration: Sendable {
    package var defaultTimeoutMillis: Int
    package var maximumEventBytes: Int

    package init(defaultTimeoutMillis: Int, maximumEventBytes: Int) {
        self.defaultTimeoutMillis = defaultTimeoutMillis
        self.maximumEventBytes = maximumEventBytes
    }
}
