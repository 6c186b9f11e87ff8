import CLinuxShims
import Glibc

/// A control group of version 2: a folder with files that limit its processes.
public struct ControlGroup: Equatable, Sendable {
    public let path: String

    package init(path: String) { self.path = path }

    /// The group that this process is in. nil if no hierarchy of version 2 is mounted, or if the mount does not show
    /// this process's group.
    public static func ofThisProcess() -> ControlGroup? { ofThisProcess { Descriptors.readText($0) } }

    /// - Parameter read: returns the text of a file, or "" if there is no such file.
    package static func ofThisProcess(read: (String) -> String) -> ControlGroup? {
        guard let line = read("/proc/self/cgroup").split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else {
            return nil
        }
        let group = line.dropFirst("0::".count)
        for mount in read("/proc/self/mountinfo").split(separator: "\n") {
            // Number, parent, device, root, mount point, options, any number of other fields, "-", kind.
            let fields = mount.split(separator: " ")
            guard fields.count > 6, let mark = fields.firstIndex(of: "-"), mark + 1 < fields.count,
                fields[mark + 1] == "cgroup2"
            else { continue }
            let (root, point) = (fields[3] == "/" ? "" : fields[3], String(fields[4]))
            // The mount may show a part of the hierarchy only. "/..": the group is outside of what this process sees.
            guard group == root || group.hasPrefix(root + "/"), !group.hasPrefix("/..") else { continue }
            let rest = group.dropFirst(root.count)
            return ControlGroup(path: rest == "/" ? point : point + rest)
        }
        return nil
    }

    /// The folder's name.
    public var name: Substring { path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...] }

    /// The controllers that can be used in this group, for example `memory`.
    public var controllers: [Substring] { words("cgroup.controllers") }

    /// The processes in this group that this process can see, without those of child groups.
    public var processes: [pid_t] { words("cgroup.procs").compactMap { pid_t($0) } }

    /// Whether this process may make groups below this one.
    ///
    /// Root may write to every group, so root also needs a sign that the group was delegated to it: the attribute that
    /// systemd sets (`Delegate=yes`), or that this group is the root of the hierarchy that a container sees.
    public var isDelegated: Bool {
        var info = stat()
        guard stat(path, &info) == 0,
            ["", "/cgroup.procs", "/cgroup.subtree_control"].allSatisfy({ access(path + $0, W_OK) == 0 })
        else {
            return false
        }
        if geteuid() != 0 { return info.st_uid == geteuid() }
        let isMarked = (["trusted.delegate", "user.delegate"] as [String]).contains {
            faas_has_attribute(path, $0, CChar(UInt8(ascii: "1"))) != 0
        }
        // The root of the machine's hierarchy has no such file, so this is the root of a container.
        let isRootOfContainer =
            Descriptors.readText("/proc/self/cgroup").split(separator: "\n").contains("0::/")
            && access(path + "/cgroup.type", F_OK) == 0
        return isMarked || isRootOfContainer
    }

    public var children: [ControlGroup] { Descriptors.folders(in: path).map(child) }

    public func child(_ name: String) -> ControlGroup { ControlGroup(path: path + "/" + name) }

    /// Makes the folder. It is not an error if the folder exists.
    public func make() throws(SystemCallError) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .last("mkdir \(path)") }
    }

    /// Removes the folder. Fails while there is a process in the group.
    public func remove() throws(SystemCallError) {
        guard rmdir(path) == 0 || errno == ENOENT else { throw .last("rmdir \(path)") }
    }

    public func set(_ file: String, _ value: String) throws(SystemCallError) {
        let descriptor = open("\(path)/\(file)", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open \(path)/\(file)") }
        defer { close(descriptor) }
        // The kernel reads the value from one write call, so a partial write is a failure.
        let bytes = Array(value.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw .last("write \(path)/\(file)") }
    }

    /// Moves a process with all its threads into this group. 0 means the calling process.
    public func add(_ process: pid_t) throws(SystemCallError) { try set("cgroup.procs", "\(process)") }

    /// How many processes of the group the kernel has killed because it had no memory left.
    public var memoryKills: Int {
        let line = Descriptors.readText(path + "/memory.events").split(separator: "\n").first {
            $0.hasPrefix("oom_kill ")
        }
        return line.flatMap { Int($0.dropFirst("oom_kill ".count)) } ?? 0
    }

    private func words(_ file: String) -> [Substring] {
        Descriptors.readText("\(path)/\(file)").split { $0 == " " || $0 == "\n" }
    }
}
