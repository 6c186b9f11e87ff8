import FunctionModel
import PolyglotFaaS
import Testing

/// Checks state of the process that is neither memory nor easily seen: several calls in a row, at both levels that
/// promise to leave nothing behind.
@Suite struct SuspectTests {
    /// State that does stay, and at which levels.
    private static let known: [String: Set<Isolation>] = [
        // The rewinder does not notice that another mapping is in the place of the one it saved.
        "a private mapping made while loading, closed, and another made in its place": [.invocation],
        "a private mapping made while loading, closed, and another made and written to in its place": [.invocation],
        // ProcessState does not record these.
        "the working directory changed while loading": [.invocation],
        "a file opened while loading, and another opened under its number": [.invocation],
        "standard output replaced below Python": [.invocation],
        "the scheduling policy": [.invocation],
        "the session": [.invocation],
        "the name of the process": [.invocation],
        "the out-of-memory score": [.invocation],
        "the timer slack": [.invocation],
        "an alternate signal stack": [.invocation],
        "an interval timer set while loading": [.invocation],
        // The host changes them between calls: a busy host has processors of its own (HostProcessors).
        "the processors it may run on": [.invocation, .process],
        // A forked copy shares these with its parent.
        "shared memory made while loading": [.invocation, .process],
        "a flag of a descriptor opened while loading": [.invocation, .process],
        "a pipe made while loading": [.invocation, .process],
        "a lock on a file": [.invocation, .process],
        "a file without a name, opened while loading": [.invocation, .process],
        // The source drew random numbers while it loaded.
        "random numbers of a database": [.invocation, .process],
        "names for temporary files, used while loading too": [.invocation],
    ]

    @Test(arguments: Handler.suspects)
    func `Nothing stays that the kernel keeps for the process`(handler: Handler) async throws {
        for isolation in [Isolation.process, .invocation] {
            if Self.known[String(handler.name.trimmingPrefix("Python, "))]?.contains(isolation) == true {
                await withKnownIssue("docs/pristine-state.md should not promise it", isIntermittent: true) {
                    try await check(handler, isolation)
                }
            } else {
                try await check(handler, isolation)
            }
        }
    }

    private func check(_ handler: Handler, _ isolation: Isolation) async throws {
        // The sandbox refuses most of these. The rewind must also work without it.
        try await OwnRuntime.with {
            $0.sandbox = .off
        } _: { own in
            var seen: [Outcome] = []
            for _ in 0..<6 {
                let outcome = await own.runtime.outcome(handler.request(event: "{}", isolation: isolation))
                switch handler.answers {
                case .same:
                    if seen.isEmpty { seen = [outcome] }
                    #expect(outcome == seen[0], "\(handler.name), \(isolation)")
                case .different:
                    #expect(!seen.contains(outcome), "\(handler.name), \(isolation)")
                    seen.append(outcome)
                }
                if case .failure(let type, let message, _) = outcome {
                    Issue.record("\(handler.name), \(isolation): \(type): \(message)")
                }
            }
        }
    }
}
