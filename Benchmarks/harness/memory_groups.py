"""Control groups of version 1 that limit memory."""
import os
import subprocess
import time

from .servers import Missing

MOUNT = "/sys/fs/cgroup/memory"


class MemoryGroups:
    """Groups below this process's own, until the end of a `with`."""

    def __enter__(self):
        with open("/proc/self/cgroup") as file:
            own = next((line.strip().split(":", 2)[2] for line in file if line.split(":", 2)[1] == "memory"), None)
        if own is None or not os.access(MOUNT + own, os.W_OK):
            raise Missing(f"no control group of version 1 for memory is writable in {MOUNT}")
        self.path = f"{MOUNT}{own.rstrip('/')}/bench-{os.getpid()}"
        self.pids = set()
        os.mkdir(self.path)
        return self

    def __exit__(self, *_):
        for pid in list(self.pids):
            self._remove(pid)
        os.rmdir(self.path)

    def add(self, pid, limit):
        """A group of `limit` bytes for this process, unless it has one."""
        if pid not in self.pids:
            self._make(pid, limit)
            self._move(pid)

    def time_steps(self, count, limit):
        """Microseconds for making a group, moving a process into it, and removing it: step -> list."""
        steps = {"make": [], "move": [], "remove": []}

        def measure(step, do):
            start = time.perf_counter()
            do()
            steps[step].append((time.perf_counter() - start) * 1e6)

        for _ in range(count):
            time.sleep(0.05)  # As between two starts of workers; moves right after each other share a wait.
            process = subprocess.Popen(["sleep", "60"])
            try:
                measure("make", lambda: self._make(process.pid, limit))
                measure("move", lambda: self._move(process.pid))
            finally:
                process.kill()
                process.wait()
            measure("remove", lambda: self._remove(process.pid))
        return steps

    def _make(self, pid, limit):
        os.mkdir(f"{self.path}/{pid}")
        self.pids.add(pid)
        self._write(pid, "memory.limit_in_bytes", limit)

    def _move(self, pid):
        self._write(pid, "cgroup.procs", pid)

    def _remove(self, pid):
        os.rmdir(f"{self.path}/{pid}")
        self.pids.remove(pid)

    def _write(self, group, file, value):
        with open(f"{self.path}/{group}/{file}", "w") as output:
            output.write(str(value))
