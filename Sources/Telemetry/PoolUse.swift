/// What a pool holds at one moment.
package struct PoolUse: Sendable, Equatable {
    /// Workers by state.
    package var starting = 0
    package var idle = 0
    package var busy = 0
    package var ending = 0
    /// Invocations that wait for a worker.
    package var waiting = 0
    /// Bytes of memory for workers: promised, used as last seen, and the most that may be promised.
    package var promisedBytes = 0
    package var usedBytes = 0
    package var memoryLimit = 0

    package init() {}
}
