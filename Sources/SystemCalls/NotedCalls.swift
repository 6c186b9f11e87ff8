import CLinuxShims

/// System calls that a guest makes by functions of the worker in place of the C library's, which leave a note
/// (`CNotedCalls`).
public enum NotedCalls {
    /// The fifth argument of such a call, by which a filter of system calls tells.
    public static let mark = faas_note_mark
}
