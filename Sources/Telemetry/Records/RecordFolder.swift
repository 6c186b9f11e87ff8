import FunctionModel
import Glibc

/// Where records of functions are stored: a folder for each function, in it a few files for each kind of record. The
/// newest file of a kind has no number; when it is full, it becomes number 1, 1 becomes 2, and so on.
package struct RecordFolder: Sendable {
    /// What is recorded. Failed calls have files of their own, so that many good calls do not push them out.
    package enum Kind: String, CaseIterable, Sendable {
        case lines
        case calls
        case failures

        /// The size at which a file is full.
        var segmentBytes: Int {
            switch self {
            case .lines: 2 << 20
            case .calls, .failures: 1 << 20
            }
        }
    }

    /// Files of one kind of one function, the newest included.
    package static let segments = 4

    package let path: String

    /// - Parameter path: it need not exist.
    package init(path: String) { self.path = path }

    func folder(of function: FunctionID) -> String { "\(path)/\(function.text)" }

    /// - Parameter segment: 0: the newest.
    package func file(_ kind: Kind, of function: FunctionID, segment: Int = 0) -> String {
        "\(folder(of: function))/\(kind.rawValue)\(segment == 0 ? "" : ".\(segment)").jsonl"
    }

    /// Whether anything has been recorded of the function.
    package func has(_ function: FunctionID) -> Bool { access(folder(of: function), F_OK) == 0 }
}
