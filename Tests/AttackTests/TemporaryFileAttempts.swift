/// What functions with a folder for temporary files try. TemporaryFileTests show that the folder works.
extension Attempt {
    static let temporaryFiles: [Attempt] = [
        .temporary(
            "80", "write outside of the temporary folder", .folder, "open(e['folder'] + '/new', 'w').write('x')"),
        .temporary(
            "80", "write below its root", .answer,
            """
            for path in ['/new', '/lib/new', os.path.dirname(os.__file__) + '/new', '/proc/self/comm', '/dev/new', '/dev/shm/new', '/tmp/../new']:
                try: open(path, 'w').write('x'); return 'done'
                except OSError: pass
            """),
        .temporary(
            "80", "change a file of the library", .answer,
            """
            for change in [lambda p: open(p, 'r+'), lambda p: open(p, 'a'), lambda p: os.truncate(p, 0), lambda p: os.chmod(p, 0o777), os.utime, os.unlink,
                           lambda p: os.rename(p, '/tmp/x'), lambda p: os.rename(__import__('tempfile').mkstemp()[1], p)]:
                for path in [os.__file__, '/dev/null', '/dev/urandom', '/lib/x86_64-linux-gnu/libc.so.6', '/proc/self/status']:
                    try: change(path); return 'done'
                    except OSError: pass
            """),
        .temporary(
            "80", "make folders outside, and remove and move its own", .answer,
            """
            for change in [lambda: os.mkdir('/new'), lambda: os.rmdir('/tmp'), lambda: os.rename('/tmp', '/other'), lambda: os.mkdir('/proc/new'),
                           lambda: os.mkdir('/tmp/d') or os.rename('/tmp/d', '/new'), lambda: os.chmod('/', 0o777), lambda: os.utime('/')]:
                try: change(); return 'done'
                except OSError: pass
            """),
        .temporary(
            "80", "reach a file by dots", .secret, "os.chdir('/tmp'); return open('../..' + e['secret']).read()"),
        .temporary(
            "80", "reach a file by a link", .secret,
            "os.symlink(e['secret'], '/tmp/link'); return open('/tmp/link').read()"),
        .temporary(
            "80", "make links, pipes, sockets and devices in it", .answer,
            """
            open('/tmp/file', 'w').write('x')
            for make in [lambda: os.symlink('/', '/tmp/a'), lambda: os.link('/tmp/file', '/tmp/b'), lambda: os.link(os.__file__, '/tmp/c'), lambda: os.mkfifo('/tmp/d'),
                         lambda: os.mknod('/tmp/e', 0o60666, os.makedev(8, 0)), lambda: os.mknod('/tmp/f', 0o20666, os.makedev(1, 3)), lambda: os.mknod('/tmp/g', 0o140666),
                         lambda: os.mknod('/tmp/h'), lambda: socket.socket(1, 1).bind('/tmp/i'), lambda: call(316, -100, text('/tmp/file'), -100, text('/tmp/j'), 4),
                         lambda: os.setxattr('/tmp', 'user.x', b'y'), lambda: os.chown('/tmp', 1, 1), lambda: os.mkfifo('/tmp/k', dir_fd=os.open('/tmp', os.O_RDONLY))]:
                try: make(); return 'done'
                except OSError: pass
            """),
        .temporary(
            "80", "name a file that has none", .answer,
            """
            d = os.open('/tmp', os.O_TMPFILE | os.O_RDWR); call(265, d, text(''), -100, text('/tmp/name'), 0x1000); return 'done'
            """),
        .temporary(
            "80", "run a program that it has written", .folder,
            """
            open('/tmp/x', 'w').write(f"#!/bin/sh\\ntouch {e['folder']}/new\\n"); os.chmod('/tmp/x', 0o4755)
            os.execve('/tmp/x', ['x'], {})
            """),
        .temporary(
            "80", "run a program that it has written, while the source loads", .answer, "return made",
            top: """
                import shutil
                made = 'nothing'
                open('/tmp/x', 'w').write('#!/bin/sh\\nexit 7\\n'); os.chmod('/tmp/x', 0o4755)
                if (pid := os.fork()) == 0:
                    try: os.execve('/tmp/x', ['x'], {})
                    finally: os._exit(1)
                if os.waitstatus_to_exitcode(os.wait()[1]) == 7: made = 'done'
                """),
        .temporary(
            "80", "load code that it has written", .answer,
            """
            import mmap
            library = open(next(f'/{d}/x86_64-linux-gnu/libm.so.6' for d in ['lib', 'usr/lib'] if os.path.exists(f'/{d}/x86_64-linux-gnu/libm.so.6')), 'rb').read()
            open('/tmp/x.so', 'wb').write(library)
            for load in [lambda: ctypes.CDLL('/tmp/x.so'), lambda: mmap.mmap(os.open('/tmp/x.so', 0), 0, mmap.MAP_PRIVATE, mmap.PROT_EXEC | mmap.PROT_READ)]:
                try: load(); return 'done'
                except OSError: pass
            """),
        .temporary(
            "80", "take away the file system, or mount another", .answer, "call(166, text('/tmp'), 2); return 'done'"),
        .temporary(
            "80", "see the folders of other workers", .answer,
            """
            for pid in range(1, 100):
                # By its own number it finds its own.
                if pid == os.getpid(): continue
                try: os.listdir(f'/proc/{pid}/root/tmp'); return 'done'
                except OSError: pass
            """),
        .temporary(
            "80", "write without end", .neighbour,
            """
            kept = []
            try:
                for n in range(10 ** 9): kept.append(open(f'/tmp/{n}', 'wb', 0)); kept[-1].write(b'x' * (1 << 20))
            except OSError as error: return error.strerror
            """),
        .temporary(
            "80", "files and folders without end", .neighbour,
            """
            os.chdir('/tmp')
            try:
                while True: os.mkdir('d' * 255); os.chdir('d' * 255)
            except OSError as error: return error.strerror
            """),
        .temporary(
            "80", "write on after the answer", .neighbour,
            """
            import threading
            def run():
                while True:
                    try: open('/tmp/' + os.urandom(4).hex(), 'w').write('x')
                    except OSError: pass
            for _ in range(4): threading.Thread(target=run, daemon=True).start()
            time.sleep(0.1)
            """),
    ]
}
