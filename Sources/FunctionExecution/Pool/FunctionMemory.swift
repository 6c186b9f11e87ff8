/// What memory a worker of one function is promised, from what the function's workers were seen to use. Pure.
///
/// All that the function may use is promised only to its first worker, until that has loaded. From then on a worker is
/// promised what it has, and what the function's calls usually take beyond that.
struct FunctionMemory: Equatable, Sendable {
    /// What a worker may use, in bytes, temporary files excluded.
    let most: Int
    /// Its temporary files, which no one measures.
    let temporary: Int
    /// Whether an idle worker keeps what its calls have used.
    let keeps: Bool
    /// Whether a worker that serves has a copy of its memory to go back to, which its private memory does not include.
    let hasCopy: Bool

    /// What a worker had when it had loaded. nil: none has.
    private(set) var loaded: Int?
    /// The most that a call was seen to take of late.
    private(set) var call = 0

    init(most: Int, temporary: Int = 0, keeps: Bool = false, hasCopy: Bool = false) {
        self.most = most
        self.temporary = min(temporary, most)
        self.keeps = keeps
        self.hasCopy = hasCopy
    }

    /// What most calls write to and a worker keeps. Nothing smaller is promised beyond what a worker uses.
    static var reserve: Int { 4 << 20 }

    private func withReserve(_ bytes: Int, _ reserve: Int) -> Int { max(0, min(most - temporary, bytes + reserve)) }

    /// What a worker is promised until it has loaded.
    var starting: Int { loaded.map { temporary + withReserve($0, max(Self.reserve, call)) } ?? most }

    /// A worker has loaded. `privateBytes`: what it has now; nil: not known.
    mutating func hasLoaded(_ privateBytes: Int?) {
        if let privateBytes { loaded = privateBytes }
    }

    /// A worker with a call was seen with so much private memory.
    mutating func saw(_ privateBytes: Int, loaded: Int) {
        call = max(call, hasCopy ? privateBytes : privateBytes - loaded)
    }

    /// Time passes: what calls took is forgotten slowly.
    mutating func forget() { call -= call / 64 }

    /// What a worker with a call uses.
    func used(_ privateBytes: Int, loaded: Int) -> Int { privateBytes + (hasCopy ? loaded : 0) }

    /// - Parameters:
    ///   - loaded: what the worker had when it had loaded; nil: not known.
    ///   - used: what it uses now.
    func serving(loaded: Int?, used: Int) -> Int {
        guard let loaded else { return max(used, most) }
        return max(used, temporary + withReserve(keeps ? max(loaded, used) : loaded, max(Self.reserve, call)))
    }

    func idle(loaded: Int?, used: Int) -> Int {
        guard let loaded else { return keeps ? most : min(most, Self.reserve) }
        return keeps
            ? max(used, temporary + withReserve(max(loaded, used), Self.reserve)) : withReserve(loaded, Self.reserve)
    }
}
