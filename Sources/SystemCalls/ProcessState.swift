import CLinuxShims
import Glibc

/// What a process has besides its memory and a program may change: recorded once, put back after each invocation.
///
/// Cheap enough for every invocation: each part is a system call or a few, none of which looks at more than it must.
public struct ProcessState {
    private struct OpenDescriptor {
        let number: Int32
        /// nil for what has no position.
        let position: Int64?
        let statusFlags: Int32
        let descriptorFlags: Int32
        let file: FileIdentity

        init(_ number: Int32, position: Int64?) {
            self.number = number
            self.position = position
            file = FileIdentity(number)
            statusFlags = fcntl(number, F_GETFL)
            descriptorFlags = fcntl(number, F_GETFD)
        }
    }

    private struct FileIdentity: Equatable {
        let device: dev_t
        let inode: ino_t

        init(_ descriptor: Int32) {
            var info = stat()
            fstat(descriptor, &info)
            (device, inode) = (info.st_dev, info.st_ino)
        }
    }

    /// What no call puts back, but what says at once that it has been changed. nil if nothing can change it; then
    /// nothing changes signals, timers, directory and umask without a note either.
    private let attributes: Attributes?
    /// As the process began. The host changes it meanwhile, for as long as a long call takes.
    private let niceness: Int32
    /// The zygote's, which are those that the process began with.
    private let processors: ProcessorSet?
    private let workingDirectory: FileIdentity
    private let descriptors: [OpenDescriptor]
    /// Of all descriptors that stay open, in order.
    private let numbers: [Int32]
    private let actions: [faas_signal_action]
    private let signalCount: Int32
    /// Whether a signal that arrives ends its own handler, of which there is no note.
    private let hasHandlerForOnce: Bool
    private let signalMask: sigset_t
    private let fileMask: mode_t

    /// Records the state. Keeps a descriptor of the working directory for as long as the process lives, one for all
    /// states: they are recorded in the same directory.
    ///
    /// - Parameters:
    ///   - kept: descriptors that will be open besides those that are open now.
    ///   - changesAreDenied: whether the sandbox denies to change limits, priority, scheduling, session, name, timer
    ///     slack and signal stack of the process, and the handling of signals above 31, and to make processes and run
    ///     programs, and lets signals, timers, directory and umask be changed only by calls that leave a note
    ///     (`CNotedCalls`). What only that could change need not be looked at then.
    public init(kept: [Int32], changesAreDenied: Bool) {
        attributes = changesAreDenied ? nil : Self.readAttributes()
        niceness = getpriority(Self.ofProcess, id_t(getppid()))
        processors = changesAreDenied ? nil : ProcessorSet(of: getppid())
        signalCount = changesAreDenied ? 31 : Int32(FAAS_SIGNAL_COUNT)
        ProcessFiles.keepWorkingDirectory()
        workingDirectory = FileIdentity(ProcessFiles.workingDirectory)
        // What was there before the guest needs no looking after.
        let kept = kept + ProcessFiles.numbers
        descriptors = Descriptors.openDescriptors(from: 0).filter { !kept.contains($0) }.sorted().map {
            OpenDescriptor($0, position: Descriptors.position(of: $0))
        }
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
        // One that was set before is nobody's any more.
        _ = Self.stopTimers()
        _ = faas_take_note()
    }

    /// Puts everything back. Returns false if something cannot be: a descriptor is no longer what it was, an attribute
    /// of the process or a limit has changed, a process was left that does not end.
    public func restore() -> Bool {
        var mask = signalMask
        guard restoreDescriptors(), sigprocmask(SIG_SETMASK, &mask, nil) == 0 else { return false }
        // Nearly always, and some forty system calls less.
        if attributes == nil, !hasHandlerForOnce, faas_take_note() == 0 { return true }
        guard FileIdentity(ProcessFiles.workingDirectory) == workingDirectory,
            fchdir(ProcessFiles.workingDirectory) == 0,
            faas_restore_signal_actions(actions, signalCount) == 0, Self.stopTimers()
        else { return false }
        umask(fileMask)
        // That of what has just been put back.
        _ = faas_take_note()
        guard let attributes else { return true }
        return Processes.endDescendants() && restorePriority() && restoreProcessors()
            && Self.readAttributes() == attributes
    }

    /// SA_RESETHAND, which Swift imports as a negative number.
    private static let resetsHandler: UInt = 0x8000_0000
    private static let ofProcess = __priority_which_t(PRIO_PROCESS.rawValue)

    /// Where this process may not do it, the host is about to: it takes back what it has made of a long call's
    /// priority.
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

    private static func readAttributes() -> Attributes {
        var attributes = Attributes()
        faas_read_attributes(&attributes.values)
        return attributes
    }

    private struct Attributes: Equatable {
        var values = faas_attributes()

        static func == (left: Attributes, right: Attributes) -> Bool {
            withUnsafeBytes(of: left.values) { left in
                withUnsafeBytes(of: right.values) { memcmp(left.baseAddress!, $0.baseAddress!, left.count) == 0 }
            }
        }
    }

    private func restoreDescriptors() -> Bool {
        guard (try? Descriptors.closeAll(except: numbers)) != nil else { return false }
        for descriptor in descriptors {
            // What the worker itself holds, down to its socket, no guest has opened: to see that it is still there is
            // enough.
            guard FileIdentity(descriptor.number) == descriptor.file else { return false }
            // Whether a program that is run inherits it.
            if attributes != nil, fcntl(descriptor.number, F_GETFD) != descriptor.descriptorFlags { return false }
            // A mere place in the file system (O_PATH) has neither flags nor a position.
            guard descriptor.number > 3, descriptor.statusFlags & __O_PATH == 0 else { continue }
            guard fcntl(descriptor.number, F_SETFL, descriptor.statusFlags) == 0 else { return false }
            if let position = descriptor.position {
                guard (try? Descriptors.setPosition(position, of: descriptor.number)) != nil else { return false }
                flock(descriptor.number, LOCK_UN)
            }
        }
        return true
    }

    /// Whether everything that this process holds of the kernel's can be put back: of open things, only files that are
    /// on a disk or not writable; of memory, none that is shared and writable. What is in a pipe, a socket, a memory
    /// file or shared memory is copied by nothing, not even a fork.
    /// - Parameter filesAreWritable: whether files can be written at all. Then one that is open to write is not put
    ///   back either.
    public static func canBePutBack(filesAreWritable: Bool) -> Bool {
        for descriptor in Descriptors.openDescriptors(from: 4) where !ProcessFiles.numbers.contains(descriptor) {
            var info = stat()
            guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG || info.st_mode & S_IFMT == S_IFDIR
            else {
                return false
            }
            let isWritable = fcntl(descriptor, F_GETFL) & O_ACCMODE != O_RDONLY
            if isWritable, filesAreWritable || info.st_nlink == 0 { return false }
        }
        return !hasSharedWritableMemory(maps: ProcessFiles.readBytes(.mappings))
    }

    /// By bytes: a text of 200 lines that is split into strings takes longer than most sources take to load.
    static func hasSharedWritableMemory(maps: [UInt8]) -> Bool {
        var isLineStart = true
        for index in maps.indices {
            if maps[index] == UInt8(ascii: "\n") { isLineStart = true }
            // "start-end rw-s offset …"
            guard isLineStart, maps[index] == UInt8(ascii: " "), index + 4 < maps.count else { continue }
            isLineStart = false
            if maps[index + 2] == UInt8(ascii: "w"), maps[index + 4] == UInt8(ascii: "s") { return true }
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
