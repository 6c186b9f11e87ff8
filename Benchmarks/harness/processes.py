"""Starting processes and ending every one of them, also after Ctrl-C."""
import atexit
import os
import signal
import subprocess
import time

_running = []


def start(command, *, stdout, stderr=None, stdin=subprocess.DEVNULL, env=None):
    """Starts a process in a session of its own, so that what it starts can be ended with it."""
    process = subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
        env={**os.environ, **(env or {})})
    _running.append(process)
    return process


def stop(process):
    """Asks the process to end, and kills its session if it has not after three seconds."""
    if process not in _running:
        return
    _running.remove(process)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def stop_all():
    for process in list(_running):
        stop(process)


atexit.register(stop_all)
for _signal in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_signal, lambda number, frame: exit(128 + number))


def _stat(pid):
    """The fields of /proc/PID/stat after the name: state is 0, parent is 1."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def tree(root):
    """The process `root` and its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_stat(entry)[1]), []).append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                pass
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, []))
    return found


def name(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


def cpu_seconds(root):
    """Processor time of a process, its descendants, and those of them that have ended."""
    ticks = 0
    for pid in tree(root):
        try:
            ticks += sum(int(field) for field in _stat(pid)[11:15])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until(condition, seconds, what):
    """Waits until `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {seconds} s")
        time.sleep(0.02)


def memory(pid):
    """Memory of a process in KiB: resident, its share (PSS), private, and the whole of the memory files it has mapped."""
    fields = {}
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file.readlines()[1:]:
            key, value = line.split(":")
            fields[key] = int(value.split()[0])
    files = {}
    for entry in os.scandir(f"/proc/{pid}/map_files"):
        try:
            # Not the zygote's image ("memfd:zygote"), which all workers of a language share.
            if "memfd:snapshot" in os.readlink(entry.path):
                status = os.stat(entry.path)
                files[status.st_dev, status.st_ino] = status.st_blocks // 2
        except OSError:
            pass
    return {"rss": fields["Rss"], "pss": fields["Pss"], "private": fields["Private_Clean"] + fields["Private_Dirty"],
            "anonymous_pss": fields["Pss_Anon"], "memory_files": sum(files.values()),
            # What its end would give back: its share of all pages, and the memory files whole.
            "whole": fields["Pss"] - fields["Pss_Shmem"] + sum(files.values())}


def memories(pids):
    """memory() of each of them that has not ended meanwhile."""
    found = []
    for pid in pids:
        try:
            found.append(memory(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def tree_memory(root):
    """The sum of memory() over a process and its descendants, and how many they are."""
    parts = memories(tree(root))
    return {"processes": len(parts), **{key: sum(part[key] for part in parts) for key in parts[0]}}


def available_memory():
    """What the kernel says is left for new programs, in KiB."""
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))


def busy_seconds():
    """Processor time that the whole machine has spent so far."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, *_ = (int(field) for field in file.readline().split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
