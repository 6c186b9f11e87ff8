import FunctionModel

/// Packages that a Python function needs, as pip names them: `numpy`, `requests[socks]>=2,<3; python_version > "3.8"`.
enum Requirements {
    /// The requirements of a `requirements.txt`, one a line, without comments and empty lines.
    static func read(_ text: String) throws(DocumentError) -> [String] {
        var requirements: [String] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            // A '#' inside a word does not begin a comment.
            let content = line.replacing(/(^|\s)#.*/, with: "").trimmed
            guard !content.isEmpty else { continue }
            do {
                requirements.append(try check(content))
            } catch {
                throw DocumentError("line \(index + 1): \(error.message)")
            }
        }
        return requirements
    }

    /// Accepts only names and versions. pip also takes options, paths and addresses; with these a manifest could make
    /// pip read files of this machine or connect to any address.
    static func check(_ text: String) throws(DocumentError) -> String {
        let requirement = text.trimmed
        guard
            requirement.wholeMatch(
                of:
                    #/
                    [A-Za-z0-9][A-Za-z0-9._\-]*\s*(\[[A-Za-z0-9._,\s\-]*\])?
                    \s*[<>=!~A-Za-z0-9.*+,\s_\-]*(;[A-Za-z0-9_.,'"<>=!~()\s\-]*)?
                    /#
            ) != nil,
            requirement.firstMatch(of: /\s-/) == nil
        else {
            throw DocumentError(
                "\(quoted(text)) is not a requirement: give a package's name, perhaps with versions, for example "
                    + "'requests>=2,<3'"
            )
        }
        return requirement
    }
}

extension StringProtocol {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
