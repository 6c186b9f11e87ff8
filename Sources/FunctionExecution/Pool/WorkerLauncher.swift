/// Makes the processes of workers. The pool's tests have one that makes none.
protocol WorkerLauncher: AnyObject, Sendable {
    /// Starts a process for this worker, or takes one that is ready.
    ///
    /// - Returns: the host's end of the worker's socket, which becomes the caller's.
    /// - Throws: a `FunctionError` that says why that is impossible.
    func launch(_ worker: Worker) throws -> Int32

    /// A worker has loaded its function: the launcher has time for what can wait.
    func hasLoaded(_ worker: Worker)

    /// Called every now and then.
    func keepHouse(now: Int64)
}
