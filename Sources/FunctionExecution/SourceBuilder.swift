import FunctionModel

/// Makes what a worker evaluates of a function whose source is not for the engine: ES modules, TypeScript, JSX, and
/// scripts that use modules of Node's (``Function/needsBuild``).
///
/// A runtime without one fails such functions with ``LoadError``; it runs all others.
public protocol SourceBuilder: Sendable {
    /// Sets ``Function/built``, then calls `completion` once: at once if the build is known, else from another thread.
    ///
    /// The error is a ``LoadError`` that says what is wrong with the source and where, or ``Overloaded``.
    func build(_ function: Function, _ completion: @escaping @Sendable (Result<Void, any Error>) -> Void)
}
