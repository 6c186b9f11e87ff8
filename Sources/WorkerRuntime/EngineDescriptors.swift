import SystemCalls

/// What an engine has open since it started in the zygote. It knows the numbers, so a worker keeps them; but what it
/// has under them is its own: what is shared by workers is a way from one to the other.
struct EngineDescriptors {
    private enum Content {
        /// Has no state that anybody could write to.
        case device
        case event
        /// `statm`, of the process that opened it.
        case sizes
        /// Of an engine that this was not tried with. It finds nothing there.
        case unknown
    }

    private let contents: [(number: Int32, content: Content)]

    /// - Parameter before: what was open already.
    init(openedSince before: [Int32]) {
        contents = Descriptors.openDescriptors(from: 0).filter { !before.contains($0) }.sorted().map { number in
            switch Descriptors.path(of: number) {
            case "/dev/urandom", "/dev/random": (number, .device)
            case "anon_inode:[eventfd]": (number, .event)
            case let path where path.hasSuffix("/statm"): (number, .sizes)
            default: (number, .unknown)
            }
        }
    }

    var numbers: [Int32] { contents.map(\.number) }

    /// Puts this process's own in the places of the zygote's. Called in a new worker, while /proc can be read.
    func makeOwn() throws(SystemCallError) {
        for (number, content) in contents {
            let own: Int32
            switch content {
            case .device: continue
            case .event: own = try Descriptors.openEvent()
            case .sizes: own = try ProcessFiles.openSizes()
            case .unknown: own = try Descriptors.openNull()
            }
            defer { Descriptors.close(own) }
            try Descriptors.duplicate(own, as: number)
        }
    }
}
