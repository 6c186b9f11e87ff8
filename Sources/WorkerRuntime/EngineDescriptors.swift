import SystemCalls

/// The descriptors that an engine opened when it started in the zygote. The engine uses their numbers, so a worker
/// keeps the numbers, but replaces what they refer to: an open file that workers share is a channel from one to the
/// other.
struct EngineDescriptors {
    private enum Content {
        /// A device without state that a process could write to.
        case device
        case event
        /// The `statm` file of the process that opened it.
        case sizes
        /// Opened by an engine version that was not tested with this code. The worker gets /dev/null in its place.
        case unknown
    }

    private let contents: [(number: Int32, content: Content)]

    /// - Parameter before: the descriptors that were open before the engine started.
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

    /// Replaces the zygote's open files by this process's own. Called in a new worker, while /proc can be read.
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
