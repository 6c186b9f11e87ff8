import CLinuxShims
import Glibc

/// The state of a process besides its memory that a program can change. It is recorded once and restored after each
/// invocation.
///
/// This is fast enough for every invocation: each part takes one or a few system calls.
public struct ProcessState {
    private struct OpenDescriptor {
        let number: Int32
        /// nil for descriptors that have no position.
        let position: Int64?
        let statusFlags: Int32
        let descriptorFlags: Int32
        let file: FileIdentity
        /// Whether it is one of the ``KernelObjects``, which are made again.
        let isObject: Bool

        init(_ number: Int32, isObject: Bool) {
            self.number = number
            self.isObject = isObject
            position = Descriptors.position(of: number)
            file = FileIdentity(number)
            statusFlags = fcntl(number, F_GETFL)
            descriptorFlags = fcntl(number, F_GETFD)
        }
    }

    /// State that is only compared: if a call has changed it, the worker ends. nil if the sandbox denies changing it.
    /// Then changes of signals, timers, directory and umask leave a note too.
    private let attributes: Attributes?
    /// The worker's own files, which the sandbox protects. nil if it does.
    private let ownFiles: [FileIdentity]?
    /// The nice value at the start of the process. The host may change it while a long call runs.
    private let niceness: Int32
    /// The zygote's processors, which the worker inherited.
    private let processors: ProcessorSet?
    private let workingDirectory: FileIdentity
    private let descriptors: [OpenDescriptor]
    private let sharing: [Sharing]
    /// What the source opened besides files. nil: some of it cannot be made again.
    private let objects: KernelObjects?
    /// Why this process can serve one call only: what was opened that cannot be restored. nil: it can serve many.
    public let unrestorable: String?
    /// The numbers of all descriptors that stay open, sorted.
    private let numbers: [Int32]
    private let actions: [faas_signal_action]
    private let signalCount: Int32
    /// Whether a signal that arrives ends its own handler, of which there is no note.
    private let hasHandlerForOnce: Bool
    private let signalMask: sigset_t
    private let fileMask: mode_t

    /// Records the state, and keeps a descriptor of the working directory for the rest of the process's life. All
    /// states share that one descriptor: they are recorded in the same directory.
    ///
    /// - Parameters:
    ///   - kept: descriptors that will be open besides those that are open now.
    ///   - changesAreDenied: whether the sandbox denies changes of limits, priority, scheduling, session, name, timer
    ///     slack and signal stack, handling of signals above 31, new processes and running programs, and allows changes
    ///     of signals, timers, directory and umask only by calls that leave a note (`CNotedCalls`). Then what only
    ///     these could change is not compared.
    ///   - filesAreWritable: whether files can be written at all. Then a file that is open for writing cannot be
    ///     restored.
    ///   - sharedMemory: the address of the worker's own shared memory; 0: it has none.
    public init(
        kept: [Int32], filesAreWritable: Bool, sharedMemory: UInt = 0, changesAreDenied: Bool
    ) {
        attributes = changesAreDenied ? nil : Self.readAttributes()
        niceness = getpriority(Self.ofProcess, id_t(getppid()))
        processors = changesAreDenied ? nil : ProcessorSet(of: getppid())
        signalCount = changesAreDenied ? 31 : Int32(FAAS_SIGNAL_COUNT)
        ProcessFiles.keepWorkingDirectory()
        workingDirectory = FileIdentity(ProcessFiles.workingDirectory)
        ownFiles = changesAreDenied ? nil : Self.ownNumbers.map(FileIdentity.init)
        // Descriptors that were open before the guest ran are not checked.
        let kept = kept + ProcessFiles.numbers
        let open = Descriptors.openDescriptors(from: 0).filter { !kept.contains($0) }.sorted()
        let ofGuest = open.filter { $0 > Self.lastOwnDescriptor }
        var objects: KernelObjects?
        do {
            try Self.checkFiles(ofGuest, filesAreWritable: filesAreWritable, sharedMemory: sharedMemory)
            objects = try KernelObjects(ofGuest)
            unrestorable = nil
        } catch {
            unrestorable = error.description
        }
        self.objects = objects
        descriptors = open.map { [objects] number in
            OpenDescriptor(number, isObject: objects?.numbers.contains(number) == true)
        }
        sharing = Self.sharing(descriptors)
        numbers = (descriptors.map(\.number) + kept).sorted()
        actions = Array(unsafeUninitializedCapacity: Int(FAAS_SIGNAL_COUNT)) { buffer, count in
            faas_read_signal_actions(buffer.baseAddress)
            count = buffer.count
        }
        hasHandlerForOnce = actions.contains { $0.flags & Self.resetsHandler != 0 }
        var mask = sigset_t()
        sigprocmask(SIG_SETMASK, nil, &mask)
        signalMask = mask
        fileMask = umask(0)
        umask(fileMask)
        // A timer that the source set while loading would fire in a later call.
        _ = Self.stopTimers()
        _ = faas_take_note()
    }

    /// Restores everything. Returns false if that is impossible: a descriptor refers to something else, an attribute or
    /// a limit of the process has changed, or a child process does not end.
    public func restore() -> Bool {
        var mask = signalMask
        let note = faas_take_note()
        // Before signals are unblocked: they may end the process.
        if note == 2 { faas_drop_signals() }
        guard restoreDescriptors(), sigprocmask(SIG_SETMASK, &mask, nil) == 0 else { return false }
        // Nearly every call: without a note, some forty system calls are saved.
        if attributes == nil, !hasHandlerForOnce, note == 0 { return true }
        guard FileIdentity(ProcessFiles.workingDirectory) == workingDirectory,
            fchdir(ProcessFiles.workingDirectory) == 0,
            faas_restore_signal_actions(actions, signalCount) == 0, Self.stopTimers()
        else { return false }
        umask(fileMask)
        // That of what has just been put back.
        _ = faas_take_note()
        guard let attributes else { return true }
        return Processes.endDescendants() && restorePriority() && restoreProcessors()
            && Self.readAttributes() == attributes && hasOwnFiles()
    }

    /// SA_RESETHAND, which Swift imports as a negative number.
    private static let resetsHandler: UInt = 0x8000_0000
    private static let ofProcess = __priority_which_t(PRIO_PROCESS.rawValue)

    /// Restores the nice value. If this process may not, it continues: the host is about to restore the priority that
    /// it lowered for a long call.
    private func restorePriority() -> Bool {
        for _ in 0..<100 {
            if sched_getscheduler(0) == SCHED_OTHER, getpriority(Self.ofProcess, 0) == niceness { return true }
            var none = sched_param()
            if sched_setscheduler(0, SCHED_OTHER, &none) == 0, setpriority(Self.ofProcess, 0, niceness) == 0 {
                return true
            }
            usleep(1000)
        }
        return false
    }

    private func restoreProcessors() -> Bool { processors == ProcessorSet(of: 0) || processors?.apply(to: 0) ?? false }

    private static let ownNumbers = ProcessFiles.numbers

    private func hasOwnFiles() -> Bool {
        guard let ownFiles else { return true }
        return ownFiles.indices.allSatisfy { FileIdentity(Self.ownNumbers[$0]) == ownFiles[$0] }
    }

    private static func readAttributes() -> Attributes {
        var attributes = Attributes()
        faas_read_attributes(&attributes.values)
        return attributes
    }

    private struct Attributes: Equatable {
        var values = faas_attributes()

        static func == (left: Attributes, right: Attributes) -> Bool {
            withUnsafeBytes(of: left.values) { left in
                withUnsafeBytes(of: right.values) { left.elementsEqual($0) }
            }
        }
    }

    private func restoreDescriptors() -> Bool {
        guard (try? Descriptors.closeAll(except: numbers)) != nil, let objects, objects.restore() else { return false }
        for descriptor in descriptors where !restore(descriptor) { return false }
        return sharing.allSatisfy { $0.isShared == Self.sharePosition($0) }
    }

    private func restore(_ descriptor: OpenDescriptor) -> Bool {
        let number = descriptor.number
        guard descriptor.isObject || FileIdentity(number) == descriptor.file else { return false }
        // The worker's own descriptors, up to its socket: the sandbox denies changing their flags.
        guard number > Self.lastOwnDescriptor else {
            return attributes == nil || fcntl(number, F_GETFD) == descriptor.descriptorFlags
        }
        guard fcntl(number, F_SETFD, descriptor.descriptorFlags) == 0 else { return false }
        // The same file may have been opened again, in another way.
        let opening = O_ACCMODE | __O_PATH
        guard descriptor.isObject || fcntl(number, F_GETFL) & opening == descriptor.statusFlags & opening else {
            return false
        }
        // A descriptor opened with O_PATH has neither status flags nor a position.
        guard descriptor.statusFlags & __O_PATH == 0 else { return true }
        guard fcntl(number, F_SETFL, descriptor.statusFlags) == 0 else { return false }
        guard let position = descriptor.position, !descriptor.isObject else { return true }
        flock(number, LOCK_UN)
        return (try? Descriptors.setPosition(position, of: number)) != nil
    }

    /// Two descriptors of the same file, and whether they share a position, as `dup` makes them.
    private struct Sharing {
        let first: Int32
        let second: Int32
        /// Where they are.
        let positions: (Int64, Int64)
        let isShared: Bool
    }

    private static func sharing(_ descriptors: [OpenDescriptor]) -> [Sharing] {
        let files = descriptors.filter { $0.number > lastOwnDescriptor && !$0.isObject && $0.position != nil }
        return files.indices.flatMap { index in
            files[(index + 1)...].filter { $0.file == files[index].file }.map { other in
                let pair = Sharing(
                    first: files[index].number, second: other.number,
                    positions: (files[index].position ?? 0, other.position ?? 0), isShared: false)
                return Sharing(
                    first: pair.first, second: pair.second, positions: pair.positions, isShared: sharePosition(pair))
            }
        }
    }

    /// Tries it, and puts the positions back.
    private static func sharePosition(_ pair: Sharing) -> Bool {
        let (first, second) = (off_t(pair.positions.0), off_t(pair.positions.1))
        let other = first + 1 == second ? first + 2 : first + 1
        guard lseek(pair.first, other, SEEK_SET) == other else { return false }
        let isShared = lseek(pair.second, 0, SEEK_CUR) == other
        lseek(pair.first, first, SEEK_SET)
        if !isShared { lseek(pair.second, second, SEEK_SET) }
        return isShared
    }

    /// Whether everything that this process holds in the kernel can be restored after a call.
    public static func canBePutBack(filesAreWritable: Bool, sharedMemory: UInt) -> Bool {
        let ofGuest = Descriptors.openDescriptors(from: lastOwnDescriptor + 1).filter {
            !ProcessFiles.numbers.contains($0)
        }
        return (try? checkFiles(ofGuest, filesAreWritable: filesAreWritable, sharedMemory: sharedMemory)) != nil
            && (try? KernelObjects(ofGuest)) != nil
    }

    /// The worker's socket.
    private static let lastOwnDescriptor: Int32 = 3

    /// Finds files whose content a call could change, and shared writable memory: neither is copied, not even by a
    /// fork.
    private static func checkFiles(_ descriptors: [Int32], filesAreWritable: Bool, sharedMemory: UInt)
        throws(KernelObjects.Unrestorable)
    {
        for descriptor in descriptors {
            var info = stat()
            guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { continue }
            let isWritable = fcntl(descriptor, F_GETFL) & O_ACCMODE != O_RDONLY
            if isWritable, filesAreWritable || info.st_nlink == 0 {
                throw KernelObjects.Unrestorable(
                    description: "a file that can be written to (descriptor \(descriptor))")
            }
        }
        if hasSharedWritableMemory(maps: ProcessFiles.readBytes(.mappings), except: sharedMemory) {
            throw KernelObjects.Unrestorable(description: "memory that processes share")
        }
    }

    /// Works on bytes: splitting a text of 200 lines into strings takes longer than most sources take to load.
    /// - Parameter address: where shared memory begins that does not count.
    static func hasSharedWritableMemory(maps: [UInt8], except address: UInt = 0) -> Bool {
        let ignored = Array("\(String(address, radix: 16))-".utf8)
        var isLineStart = true
        var line = 0
        for index in maps.indices {
            if maps[index] == UInt8(ascii: "\n") { (isLineStart, line) = (true, index + 1) }
            // A line begins "start-end rw-s offset …".
            guard isLineStart, maps[index] == UInt8(ascii: " "), index + 4 < maps.count else { continue }
            isLineStart = false
            guard maps[index + 2] == UInt8(ascii: "w"), maps[index + 4] == UInt8(ascii: "s") else { continue }
            if !maps[line...].starts(with: ignored) { return true }
        }
        return false
    }

    private static func stopTimers() -> Bool {
        var none = itimerval()
        for timer in [ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF] {
            guard setitimer(__itimer_which_t(timer.rawValue), &none, nil) == 0 else { return false }
        }
        return true
    }
}

struct FileIdentity: Equatable {
    private let device: dev_t
    private let inode: ino_t

    init(_ descriptor: Int32) {
        var info = stat()
        fstat(descriptor, &info)
        (device, inode) = (info.st_dev, info.st_ino)
    }
}
