/// How much of one invocation the next one of the same function may see. Other functions never see anything, at any
/// level.
public enum Isolation: String, Sendable, CaseIterable, CustomStringConvertible {
    /// Nothing: the state is as just loaded, every time. The worker puts its own memory back after each call. The
    /// default.
    case invocation
    /// Nothing, and the kernel sees to it: each invocation is a process of its own, forked ahead. It holds against a
    /// guest that writes to its own memory by force, for example with ctypes, and costs a fork.
    case process
    /// Whatever globals the calls before have left in this worker, as on AWS Lambda.
    case instance

    public var description: String { rawValue }
}
