/// What a process has besides its memory.
extension Handler {
    static let pythonProcess: [Handler] = [
        .python(
            "environment variables",
            """
            import os
            def handler(event):
                was = os.environ.get("ODD"), os.getenv("PATH") is None, len(os.environ)
                os.environ["ODD"] = str(event["n"]); os.putenv("ODD2", "x"); os.unsetenv("PATH")
                return [was, os.environ["ODD"]]
            """),
        .python(
            "the working directory and the umask",
            """
            import os
            def handler(event):
                was = os.getcwd(); mask = os.umask(0o77); os.umask(0o70 + event["n"]); os.chdir("/tmp" if event["n"] == 1 else "/proc")
                return [was, mask, os.getcwd()]
            """),
        .python(
            "files it opens and does not close",
            """
            import os
            kept = []
            def handler(event):
                f = open("/proc/self/status"); kept.append(f); d = os.open("/", os.O_RDONLY)
                return [f.fileno(), d, len(kept), f.readline().split()[0]]
            """),
        .python(
            "a file opened while loading",
            """
            f = open(__import__("functools").__file__, "rb", buffering=0); g = open(f.name)
            def handler(event):
                return [f.tell(), f.read(5 * event["n"]).decode(), g.tell(), g.readline(), g.readline()]
            """),
        .python(
            "a file in /tmp, written and removed",
            """
            import tempfile, os
            written = []
            def handler(event):
                with tempfile.TemporaryDirectory() as d:
                    path = os.path.join(d, "x"); written.append(event["n"])
                    with open(path, "w") as f: f.write("abc" * event["n"]); f.flush(); os.fsync(f.fileno())
                    return [os.path.getsize(path), os.listdir(d), written]
            """, weight: 2),
        .python(
            "pipes and dup2",
            """
            import os
            def handler(event):
                r, w = os.pipe(); os.write(w, b"x" * event["n"]); os.dup2(w, 50); os.set_inheritable(50, True)
                return [r, w, os.read(r, 10).decode(), os.dup(50)]
            """),
        .python(
            "standard streams replaced below Python",
            """
            import os
            def handler(event):
                was = os.readlink("/proc/self/fd/1"); r, w = os.pipe()
                os.write(1, b"to nobody")
                return [was, r, w, os.fstat(0).st_rdev == os.stat("/dev/null").st_rdev]
            """),
        .python(
            "sockets",
            """
            import socket
            kept = []
            def handler(event):
                was = socket.getdefaulttimeout(); socket.setdefaulttimeout(1)
                a, b = socket.socketpair(); a.sendall(b"x" * event["n"]); kept.append((a, b))
                return [was, b.recv(10).decode(), len(kept), a.fileno()]
            """),
        .python(
            "select, poll and epoll",
            """
            import select, os
            poll = select.poll()
            def handler(event):
                r, w = os.pipe(); ready = poll.poll(0); poll.register(r); os.write(w, b"x")
                e = select.epoll(); e.register(r, select.EPOLLIN)
                return [ready, len(poll.poll(0)), e.poll(0), select.select([r], [], [], 0)[0] == [r]]
            """),
        .python(
            "signal handlers and masks",
            """
            import signal, os
            got = []
            def handler(event):
                was = str(signal.getsignal(signal.SIGUSR1)), len(signal.pthread_sigmask(signal.SIG_BLOCK, []))
                signal.signal(signal.SIGUSR1, lambda *a: got.append(1)); os.kill(os.getpid(), signal.SIGUSR1)
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                return [was, got]
            """),
        .python(
            "a signal left pending",
            """
            import signal, os
            def handler(event):
                was = sorted(signal.sigpending()); signal.signal(signal.SIGUSR1, lambda *a: None)
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1)
                return [was, sorted(signal.sigpending())]
            """, weight: 3),
        .python(
            "interval timers",
            """
            import signal
            def handler(event):
                was = signal.getitimer(signal.ITIMER_REAL)[0] > 0, signal.alarm(100); signal.setitimer(signal.ITIMER_VIRTUAL, 50)
                return was
            """),
        .python(
            "fork and wait",
            """
            import os
            n = 0
            def handler(event):
                global n
                n += 1
                r, w = os.pipe(); pid = os.fork()
                if pid == 0:
                    n += 10; os.write(w, str(n).encode()); os._exit(event["n"])
                _, status = os.waitpid(pid, 0)
                return [n, os.read(r, 10).decode(), os.waitstatus_to_exitcode(status)]
            """, weight: 3),
        .python(
            "a child left behind",
            """
            import os, time
            def handler(event):
                if os.fork() == 0: time.sleep(100); os._exit(0)
                try: return [os.waitpid(-1, os.WNOHANG), open("/proc/self/task/%d/children" % os.getpid()).read().count(" ")]
                except ChildProcessError: return "none"
            """, weight: 4),
        .python(
            "a subprocess",
            """
            import subprocess
            kept = []
            def handler(event):
                done = subprocess.run(["/bin/sh", "-c", f"echo $((40+{event['n']})); exit 3"], capture_output=True, text=True)
                kept.append(done)
                return [len(kept), done.stdout, done.returncode, len(subprocess._active)]
            """, weight: 4),
        .python(
            "a subprocess without vfork",
            """
            import subprocess, os
            calls = 0
            def handler(event):
                global calls
                calls += 1
                with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=lambda: os.umask(0)) as p:
                    out, _ = p.communicate(b"through cat")
                return [calls, out.decode(), p.returncode]
            """, weight: 4),
        .python(
            "a priority that was changed",
            """
            import os
            def handler(event):
                # The host adds 15 and takes them back, as it sees fit, and sets what it knows when it does.
                was = os.getpriority(os.PRIO_PROCESS, 0) % 15
                os.nice(event["n"])
                return was
            """, weight: 4),
        .python(
            "a resource limit that was changed",
            """
            import resource
            def handler(event):
                was = resource.getrlimit(resource.RLIMIT_CPU); resource.setrlimit(resource.RLIMIT_CPU, (1000 + event["n"], was[1]))
                return [was, resource.getrlimit(resource.RLIMIT_CPU)[0]]
            """, weight: 4),
        .python(
            "ctypes, reading and calling",
            """
            import ctypes
            libc = ctypes.CDLL(None); buffer = ctypes.create_string_buffer(b"abc", 8)
            class S(ctypes.Structure): _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_double)]
            def handler(event):
                was = buffer.value.decode(); ctypes.memset(buffer, 65 + event["n"], 3); ctypes.set_errno(7)
                return [was, buffer.value.decode(), libc.strlen(b"hello"), ctypes.sizeof(S), S(1, 2.5).b, ctypes.string_at(buffer, 2).decode()]
            """),
        .python(
            "ctypes with a callback",
            """
            import ctypes
            calls = []
            COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
            def handler(event):
                numbers = (ctypes.c_int * 5)(5, 1, 4, 2, event["n"])
                f = COMPARE(lambda a, b: calls.append(1) or a[0] - b[0]); calls.append(f)
                ctypes.CDLL(None).qsort(numbers, 5, 4, f)
                return [list(numbers), len(calls) > 3, sum(1 for c in calls if callable(c))]
            """, weight: 1),
        .python(
            "random state of the C library",
            """
            import ctypes
            libc = ctypes.CDLL(None)
            def handler(event): return [libc.rand(), libc.rand(), libc.lrand48() if event["n"] == 1 else libc.random()]
            """),
        .python(
            "the C library's own buffers",
            """
            import ctypes
            libc = ctypes.CDLL(None)
            libc.strtok.restype = ctypes.c_char_p
            text = ctypes.create_string_buffer(b"a,b,c,d")
            first = libc.strtok(text, b",")
            def handler(event): return [first.decode(), (libc.strtok(None, b",") or b"").decode(), libc.printf(b"x"), libc.puts(b"nothing") > 0]
            """),
        .python(
            "mmap in the call",
            """
            import mmap
            kept = []
            def handler(event):
                m = mmap.mmap(-1, 1 << 20); was = m[:3]; m[0:3] = b"abc"; kept.append(m)
                p = mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); p[5000] = event["n"]; kept.append(p)
                return [was.hex(), len(kept), m[:3].decode(), p[5000]]
            """),
        .python(
            "a private mapping made while loading",
            """
            import mmap
            m = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); m[0:3] = b"abc"
            def handler(event):
                was = m[0:3].decode(), m[700000]; m[1] = 65 + event["n"]; m[700000] = 7
                return [was, m[0:3].decode()]
            """),
        .python(
            "faulthandler",
            """
            import faulthandler
            def handler(event):
                was = faulthandler.is_enabled(); r = open("/dev/null", "w"); faulthandler.enable(r)
                return [was, faulthandler.is_enabled()]
            """),
    ]
}
