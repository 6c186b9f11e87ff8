/// The known name that is most like `name`; nil if none is like it.
func nearest(to name: String, in known: [String]) -> String? {
    // Known names are short, and the comparison takes time in proportion to the length.
    guard name.utf8.count <= 64 else { return nil }
    let lowercased = name.lowercased()
    let (closest, distance) =
        known.map { ($0, editDistance(lowercased, $0.lowercased())) }.min { $0.1 < $1.1 } ?? ("", Int.max)
    if distance <= max(1, max(name.count, closest.count) / 3) { return closest }
    // Cut short, as in "timeout" for "timeoutMillis".
    guard lowercased.count >= 4 else { return nil }
    return known.first { $0.lowercased().hasPrefix(lowercased) }
}

/// How many letters must be inserted, removed or replaced, or swapped with their neighbour, to make one text of the
/// other.
private func editDistance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first), Array(second))
    // Row i has the distances between the first i letters of `first` and every beginning of `second`.
    var rows = [Array(0...second.count)]
    for i in 0..<first.count {
        var row = [i + 1]
        for j in 0..<second.count {
            var distance = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (first[i] == second[j] ? 0 : 1))
            if i > 0, j > 0, first[i] == second[j - 1], first[i - 1] == second[j] {
                distance = min(distance, rows[i - 1][j - 1] + 1)
            }
            row.append(distance)
        }
        rows.append(row)
    }
    return rows[first.count][second.count]
}
