/// Handlers that change what is easily forgotten: kernel objects behind descriptors, mappings of the same size in the
/// same place, attributes of the process.
extension Handler {
    static let suspects: [Handler] = [
        .python(
            "a private mapping made while loading, closed, and another made in its place",
            """
            import mmap
            def make(): return mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            m = make(); m[700000] = 65
            def handler(event):
                global m
                was = m[700000]
                m.close(); m = make()
                return was
            """),
        .python(
            "a private mapping made while loading, closed, and another made and written to in its place",
            """
            import mmap
            def make(): return mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            m = make(); m[700000] = 65
            def handler(event):
                global m
                was = m[700000]
                m.close(); m = make(); m[5] = 1
                return was
            """),
        .python(
            "a large bytearray replaced by a new one",
            """
            block = bytearray(b"a" * (2 << 20))
            def handler(event):
                global block
                was = block.count(b"a")
                block = None; block = bytearray(2 << 20)
                return was
            """),
        .python(
            "shared memory made while loading",
            """
            import mmap
            m = mmap.mmap(-1, 4096)
            def handler(event):
                was = m[0]; m[0] = 65
                return was
            """),
        .python(
            "the working directory changed while loading",
            """
            import os
            os.chdir("/proc")
            def handler(event):
                was = os.getcwd(); os.chdir("/tmp")
                return was
            """),
        .python(
            "a file opened while loading, and another opened under its number",
            """
            import os
            a = os.open(os.__file__, os.O_RDONLY)
            def handler(event):
                text = os.pread(a, 20, 0).decode("latin-1")
                os.dup2(os.open("/proc/self/exe", os.O_RDONLY), a)
                return text
            """),
        .python(
            "a flag of a descriptor opened while loading",
            """
            import os
            a = os.open(os.__file__, os.O_RDONLY)
            def handler(event):
                was = os.get_blocking(a), os.get_inheritable(a)
                os.set_blocking(a, False); os.set_inheritable(a, True)
                return was
            """),
        .python(
            "standard output replaced below Python",
            """
            import os
            def handler(event):
                was = os.readlink("/proc/self/fd/1")
                os.dup2(os.open("/", os.O_RDONLY), 1)
                return was
            """),
        .python(
            "a pipe made while loading",
            """
            import os
            r, w = os.pipe(); os.set_blocking(r, False)
            def handler(event):
                try: was = os.read(r, 100).decode()
                except BlockingIOError: was = "empty"
                os.write(w, b"left")
                return was
            """),
        .python(
            "the processors it may run on",
            """
            import os
            def handler(event):
                was = len(os.sched_getaffinity(0)); os.sched_setaffinity(0, {0})
                return was
            """),
        .python(
            "the scheduling policy",
            """
            import os
            def handler(event):
                was = os.sched_getscheduler(0); os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
                return was
            """),
        .python(
            "the session",
            """
            import os
            def handler(event):
                was = os.getsid(0) == os.getpid()
                try: os.setsid()
                except PermissionError: return "is leader"
                return was
            """),
        .python(
            "the name of the process",
            """
            def handler(event):
                was = open("/proc/self/comm").read()
                with open("/proc/self/comm", "w") as f: f.write("odd")
                return was
            """),
        .python(
            "the out-of-memory score",
            """
            def handler(event):
                was = open("/proc/self/oom_score_adj").read()
                with open("/proc/self/oom_score_adj", "w") as f: f.write("500")
                return was
            """),
        .python(
            "the timer slack",
            """
            import ctypes
            prctl = ctypes.CDLL(None).prctl
            def handler(event):
                was = prctl(30, 0, 0, 0, 0); prctl(29, 123456, 0, 0, 0)
                return was
            """),
        .python(
            "an alternate signal stack",
            """
            import ctypes, faulthandler
            sigaltstack = ctypes.CDLL(None).sigaltstack
            class S(ctypes.Structure): _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]
            def handler(event):
                s = S(); sigaltstack(None, ctypes.byref(s)); f = open("/dev/null"); faulthandler.enable(f)
                return s.size
            """),
        .python(
            "an interval timer set while loading",
            """
            import signal
            signal.setitimer(signal.ITIMER_VIRTUAL, 1000)
            def handler(event): return signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 0
            """),
        .python(
            "a lock on a file",
            """
            import fcntl, os
            f = os.open(os.__file__, os.O_RDONLY); g = os.open(os.__file__, os.O_RDONLY)
            def handler(event):
                try: fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB); fcntl.flock(g, fcntl.LOCK_UN); was = "free"
                except OSError: was = "locked"
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return was
            """),
        .python(
            "random numbers of a database",
            """
            import sqlite3
            db = sqlite3.connect(":memory:"); db.execute("select random()").fetchone()
            def handler(event): return db.execute("select random()").fetchone()
            """, answers: .different),
        .python(
            "names for temporary files, used while loading too",
            """
            import tempfile
            first = next(tempfile._get_candidate_names())
            def handler(event): return next(tempfile._get_candidate_names())
            """, answers: .different),
        .python(
            "uuid1",
            """
            import uuid
            first = uuid.uuid1()
            def handler(event): return [str(uuid.uuid1()), str(uuid.uuid1())]
            """, answers: .different),
        .python(
            "a file without a name, opened while loading",
            """
            import os
            f = os.memfd_create("x"); os.write(f, b"start")
            def handler(event):
                was = os.pread(f, 100, 0).decode(); os.pwrite(f, b"left", 0)
                return was
            """),
    ]
}
