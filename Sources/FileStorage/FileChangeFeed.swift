import FunctionModel
import FunctionStorage
import SystemCalls

/// Reports changes of the files in a folder of functions, as the kernel notes them (inotify).
///
/// A change is in the kernel's queue before the system call that made it returns. So a request that is sent after an
/// upload has returned finds the change.
final class FileChangeFeed: ChangeFeed {
    private let watch: DirectoryWatch
    private let functions: DirectoryWatch.Directory

    /// nil if the folder does not exist, or if the kernel cannot tell of changes there.
    init?(functionsDirectory: String) {
        guard let watch = try? DirectoryWatch(),
            // Its own removal and renaming too: another folder may take its place.
            (try? watch.add(parent(of: functionsDirectory), entries: false)) != nil,
            let functions = try? watch.add(functionsDirectory, entries: true)
        else { return nil }
        self.watch = watch
        self.functions = functions
    }

    func poll() -> StoredChanges {
        var ids: Set<FunctionID> = []
        var isEverything = false
        var hasEnded = false
        watch.takeEvents { event in
            switch event {
            case .entry(let directory, let name):
                if directory == functions, let id = FileFunctionRepository.functionID(fileName: name()) {
                    ids.insert(id)
                }
            case .overflow: isEverything = true
            case .gone: hasEnded = true
            }
        }
        if hasEnded { return .ended }
        if isEverything { return .everything }
        return ids.isEmpty ? .none : .functions(ids)
    }
}
