/// The attempts, in the order of Tests/AttackResults/attempts.tsv.
extension Attempt {
    static let all = files + temporaryFiles + network + processes + kernel + exhaustion + host + javaScript

    private static let files: [Attempt] = [
        .python("1", "open a host file", .secret, "return open(e['secret']).read()"),
        .python(
            "1", "open a host file below Python", .secret,
            """
            descriptor = call(257, -100, text(e['secret']), 0)
            buffer = ctypes.create_string_buffer(100); libc.read(descriptor, buffer, 99); return buffer.value.decode()
            """),
        .python(
            "1", "read the environment of its parent", .answer,
            "return 'done' if 'LD_BIND' in open(f'/proc/{os.getppid()}/environ').read() else 'nothing'"),
        .python(
            "62", "see the processes of other functions", .answer,
            """
            return 'done' if [p for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, os.getpid(), os.getppid())] else 'nothing'
            """),
        .python(
            "2", "write to a folder that everybody may write to", .folder, "open(e['folder'] + '/new', 'w').write('x')"),
        .python("2", "write there below Python", .folder, "call(257, -100, text(e['folder'] + '/new'), 0o101, 0o666)"),
        .python("2", "change a file there", .folder, "open(e['folder'] + '/there', 'a').write('x')"),
        .python(
            "2", "write to /dev/shm", .file("/dev/shm/faas-canary"), "open('/dev/shm/faas-canary', 'w').write('x')"),
        .python("2", "write to /tmp", .file("/tmp/faas-canary"), "open('/tmp/faas-canary', 'w').write('x')"),
        .python(
            "4", "reach a file through /proc/self/root", .secret, "return open('/proc/self/root' + e['secret']).read()"),
        .python(
            "4", "reach a file through /proc/self/cwd and dots", .secret,
            "return open('/proc/self/cwd/../../..' + e['secret']).read()"),
        .python(
            "4", "make a link to a file and read that", .secret,
            """
            os.symlink(e['secret'], e['folder'] + '/link'); return open(e['folder'] + '/link').read()
            """),
        .python(
            "5", "reach a file through the root of the first process", .secret,
            "return open('/proc/1/root' + e['secret']).read()", control: false),
        .python(
            "5", "read the memory of the parent", .answer,
            """
            start = int(open(f'/proc/{os.getppid()}/maps').readline().split('-')[0], 16)
            f = open(f'/proc/{os.getppid()}/mem', 'rb', 0); f.seek(start); return 'done' if f.read(4) else 'nothing'
            """),
        .python(
            "6", "open its own descriptors again, to write", .answer,
            "open('/proc/self/fd/0', 'w').write('x'); return 'done'"),
        .python(
            "7", "run a program from memory", .folder,
            """
            d = os.memfd_create('x', 0); os.write(d, f"#!/bin/sh\\ntouch {e['folder']}/new\\n".encode())
            if os.fork() == 0: os.execve(f'/proc/self/fd/{d}', ['x'], {})
            os.wait()
            """),
        .python(
            "8", "mount", .answer, "call(165, text('none'), text('/'), text('tmpfs'), 0, 0); return 'done'",
            control: false, dangerous: true),
        .python("8", "new user and mount namespaces", .answer, "call(272, 0x10020000); return 'done'"),
        .python("8", "the new mount interface", .answer, "call(430, text('tmpfs'), 0); return 'done'"),
        .python("9", "chroot", .answer, "os.chroot('/usr'); return 'done'"),
        .python("10", "make a device", .folder, "os.mknod(e['folder'] + '/new', 0o20666, os.makedev(1, 3))"),
        .python("11", "rename", .folder, "os.rename(e['folder'] + '/there', e['folder'] + '/elsewhere')"),
        .python("11", "truncate", .folder, "os.truncate(e['folder'] + '/there', 0)"),
        .python("11", "link", .folder, "os.link(e['folder'] + '/there', e['folder'] + '/another')"),
        .python("11", "remove", .folder, "os.unlink(e['folder'] + '/there')"),
        .python("11", "change the mode", .folder, "os.chmod(e['folder'] + '/there', 0o600)"),
        .python("11", "change the times", .folder, "os.utime(e['folder'] + '/there', (1, 1))"),
        .python(
            "12", "a huge file without a name", .answer,
            "d = os.memfd_create('x'); os.ftruncate(d, 1 << 40); return 'done'"),
        .python(
            "13", "see whether a file exists", .answer, "return 'done' if os.path.exists(e['secret']) else 'nothing'",
            leaksWithoutNamespaces: true),
        .python(
            "14", "files by handle", .answer,
            """
            handle = ctypes.create_string_buffer(b'\\x80\\0\\0\\0', 200); mount = ctypes.c_int()
            call(303, -100, text('/usr'), handle, ctypes.byref(mount), 0); return 'done'
            """),
        .python(
            "15", "watch a folder", .answer, "d = call(294, 0); call(254, d, text(e['folder']), 0xfff); return 'done'"),
        .python(
            "16", "put a module where Python looks", .file("/usr/lib/python3.11/faas_canary.py"),
            """
            open(os.path.dirname(os.__file__) + '/faas_canary.py', 'w').write('x')
            """, control: false, dangerous: true),
    ]

    private static let network: [Attempt] = [
        .python(
            "17", "connect to a port of this machine", .listener,
            "socket.create_connection(('127.0.0.1', e['port'])).sendall(b'x')"),
        .python(
            "17", "connect below Python", .listener,
            """
            d = call(41, 2, 1, 0); address = b'\\2\\0' + e['port'].to_bytes(2) + bytes([127, 0, 0, 1]) + bytes(8)
            call(42, d, ctypes.c_char_p(address), 16); os.write(d, b'x')
            """),
        .python(
            "17", "HTTP with urllib", .listener,
            """
            import urllib.request
            urllib.request.urlopen(f"http://127.0.0.1:{e['port']}/", timeout=1)
            """),
        .python("18", "send a datagram", .listener, "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', e['port']))"),
        .python("18", "a raw socket", .answer, "socket.socket(2, 3, 1); return 'done'"),
        .python("18", "a packet socket", .answer, "socket.socket(17, 3, 0); return 'done'"),
        .python("19", "connect to a local socket by path", .listener, "socket.socket(1, 1).connect(e['path'])"),
        .python("19", "connect to a local socket by name", .listener, "socket.socket(1, 1).connect('\\0' + e['name'])"),
        .python("20", "listen", .answer, "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return 'done'"),
        .python("21", "netlink", .answer, "socket.socket(16, 3, 0); return 'done'"),
        .python("21", "the kernel's ciphers", .answer, "socket.socket(38, 5, 0); return 'done'", control: false),
        .python("21", "IPv6", .answer, "socket.socket(10, 1); return 'done'"),
        .python(
            "22", "aim a datagram socket pair elsewhere", .listener,
            "a, b = socket.socketpair(1, 2); a.sendto(b'x', e['path'] + '.datagram')"),
        .python(
            "23", "find a foreign socket among its descriptors", .answer,
            """
            for d in range(4, 1024):
                try: socket.socket(fileno=os.dup(d)).getpeername(); return 'done'
                except OSError: pass
            """, control: false),
        .python("24", "io_uring", .answer, "call(425, 4, ctypes.create_string_buffer(200)); return 'done'"),
    ]

    private static let processes: [Attempt] = [
        .python(
            "25", "fork and stay", .processes, "if os.fork() == 0: time.sleep(600)\nreturn 'forked'", control: false),
        .python(
            "25", "vfork below Python", .answer,
            "libc.vfork.restype = int\nif call(58) == 0: os._exit(0)\nreturn 'done'", control: false),
        .python(
            "25", "a sibling with CLONE_PARENT", .processes, "if call(56, 0x8011, 0, 0, 0, 0) == 0: time.sleep(600)",
            control: false),
        .python(
            "25", "clone3", .answer,
            """
            arguments = ctypes.create_string_buffer(64); arguments[32] = 17
            if call(435, arguments, 64) == 0: os._exit(0)
            return 'done'
            """),
        .python(
            "25", "a daemon made while the source loads", .processes, "return 'made'", control: false,
            top: """
                if os.fork() == 0:
                    if os.fork() == 0: time.sleep(600)
                    os._exit(0)
                """),
        .python(
            "25", "forks without end while the source loads", .neighbour, "return 'made'", control: false,
            dangerous: true,
            top: """
                end = time.time() + 1
                while time.time() < end:
                    try: os.fork()
                    except OSError: pass
                """),
        .python(
            "25", "threads without end", .neighbour,
            """
            import threading
            try:
                while True: threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            except RuntimeError: return 'no more'
            """, control: false, dangerous: true),
        .python("26", "kill the neighbour by its number", .neighbour, "os.kill(e['neighbour'], 9)"),
        .python(
            "26", "kill all processes with a number near its own", .neighbour,
            """
            if os.getpid() > 5000: return 'too dangerous here'
            for pid in range(1, os.getpid() + 20):
                if pid not in (os.getpid(), os.getppid()):
                    try: os.kill(pid, 9)
                    except OSError: pass
            """, control: false, dangerous: true),
        .python(
            "26", "kill the zygote", .neighbour,
            """
            if os.getpid() > 5000: return 'too dangerous here'
            os.kill(1, 9)
            """, control: false, dangerous: true),
        .python("26", "signal a process of the host's user", .victim, "os.kill(e['victim'], signal.SIGUSR1)"),
        .python("26", "signal all processes", .victim, "os.kill(-1, signal.SIGCONT)", control: false, dangerous: true),
        .python("26", "signal a thread of it", .victim, "call(234, e['victim'], e['victim'], 10)"),
        .python(
            "26", "signal it with rt_sigqueueinfo", .victim,
            """
            info = ctypes.create_string_buffer(128); info[0] = 10; info[8:12] = b'\\xff\\xff\\xff\\xff'
            call(129, e['victim'], 10, info)
            """),
        .python("26", "signal it through a pidfd", .victim, "call(424, call(434, e['victim'], 0), 10, 0, 0)"),
        .python("27", "trace the neighbour", .answer, "call(101, 16, e['neighbour'], 0, 0); return 'done'"),
        .python(
            "27", "read the neighbour's memory", .answer,
            """
            start = int([l for l in open(f"/proc/{e['neighbour']}/maps") if 'rw-p' in l][0].split('-')[0], 16)
            class V(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
            buffer = ctypes.create_string_buffer(8); own = V(ctypes.addressof(buffer), 8); other = V(start, 8)
            call(310, e['neighbour'], ctypes.byref(own), 1, ctypes.byref(other), 1, 0); return 'done'
            """),
        .python(
            "27", "read the neighbour's memory, at an address", .answer,
            """
            class V(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
            buffer = ctypes.create_string_buffer(8); own = V(ctypes.addressof(buffer), 8); other = V(id(buffer), 8)
            call(310, os.getppid(), ctypes.byref(own), 1, ctypes.byref(other), 1, 0); return 'done'
            """),
        .python(
            "28", "block every signal and compute", .deadline,
            """
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            while True: pass
            """, control: false),
        .python(
            "28", "catch SIGSEGV and return to it", .deadline,
            """
            ctypes.CDLL(None).signal(11, ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p)); ctypes.string_at(0)
            """, control: false),
        .python("29", "outlive its parent", .answer, "call(157, 1, 0, 0, 0, 0); return 'done'"),
        .python("29", "be readable by others", .answer, "call(157, 4, 1, 0, 0, 0); return 'done'"),
        .python("29", "bear another name", .answer, "call(157, 15, text('systemd'), 0, 0, 0); return 'done'"),
        .python("29", "personality", .answer, "call(135, 0x40000); return 'done'"),
        .python("30", "become root", .answer, "os.setresuid(0, 0, 0); return 'done'"),
        .python(
            "30", "take capabilities", .answer,
            """
            header = ctypes.create_string_buffer(b'\\x22\\x05\\x08\\x20', 8); data = ctypes.create_string_buffer(24)
            call(126, header, data); return 'done'
            """),
        .python("31", "a higher priority", .answer, "os.setpriority(0, 0, -5); return 'done'", control: false),
        .python(
            "31", "another scheduler", .answer,
            "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)); return 'done'"),
        .python("31", "another processor", .answer, "os.sched_setaffinity(0, {0}); return 'done'"),
        .python("32", "other limits", .answer, "import resource; resource.setrlimit(7, (100, 200)); return 'done'"),
        .python(
            "32", "the neighbour's limits", .answer,
            "import resource; resource.prlimit(e['neighbour'], 7, (100, 4096)); return 'done'"),
        .python("33", "os.system", .folder, "os.system('touch ' + e['folder'] + '/new')"),
        .python(
            "33", "subprocess", .folder,
            "import subprocess; subprocess.run(['/bin/sh', '-c', 'touch ' + e['folder'] + '/new'])"),
        .python(
            "33", "posix_spawn", .folder,
            "os.waitpid(os.posix_spawn('/bin/touch', ['touch', e['folder'] + '/new'], {}), 0)"),
        .python(
            "33", "exec in its own place", .folder, "os.execv('/bin/sh', ['sh', '-c', 'touch ' + e['folder'] + '/new'])"
        ),
        .python(
            "34", "stop itself", .deadline, "os.kill(os.getpid(), signal.SIGSTOP); time.sleep(600)", control: false),
    ]

    private static let kernel: [Attempt] = [
        .python(
            "37", "each kind of namespace", .answer,
            """
            for flag in (0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x2000000):
                try: call(272, flag); return 'done'
                except OSError: pass
            """),
        .python("38", "userfaultfd", .answer, "call(323, 1); return 'done'"),
        .python(
            "38", "bpf", .answer,
            "call(321, 0, ctypes.create_string_buffer(b'\\1\\0\\0\\0\\4\\0\\0\\0\\4\\0\\0\\0\\1\\0\\0\\0', 72), 72); "
                + "return 'done'"
        ),
        .python(
            "38", "performance counters", .answer,
            """
            attributes = ctypes.create_string_buffer(b'\\1\\0\\0\\0\\x40\\0\\0\\0', 64); call(298, attributes, 0, -1, -1, 0); return 'done'
            """, control: false),
        .python(
            "38", "the kernel's keys", .answer, "call(248, text('user'), text('x'), text('y'), 1, -3); return 'done'"),
        .python("38", "the kernel's log", .answer, "call(103, 10, 0, 0); return 'done'"),
        .python(
            "39", "type into a terminal, with high bits set", .answer,
            "call(16, 0, 0x100005412, text('x')); return 'done'", control: false),
        .python(
            "41", "merge pages with others", .answer,
            "import mmap; m = mmap.mmap(-1, 4096, 34); m.madvise(12); return 'done'"),
        .python("41", "lock memory", .answer, "call(151, 1); return 'done'"),
        .python(
            "42", "a filter of its own that asks it", .answer,
            """
            program = ctypes.create_string_buffer(b'\\x06\\0\\0\\0\\0\\0\\xff\\x7f', 8)
            class P(ctypes.Structure): _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
            call(317, 1, 8, ctypes.byref(P(1, ctypes.addressof(program)))); return 'done'
            """),
        .python(
            "42", "system calls delivered as signals", .answer, "call(157, 59, 1, 0, 0, 0); return 'done'",
            control: false),
    ]

    private static let exhaustion: [Attempt] = [
        .python("44", "compute without end", .deadline, "while True: pass", control: false),
        .python(
            "44", "a regular expression that backtracks", .deadline, "import re; re.match('(a+)+b', 'a' * 40)",
            control: false),
        .python("44", "a number of many digits", .deadline, "10 ** 10 ** 9", control: false),
        .python(
            "48", "recursion in C", .neighbour,
            """
            x = []
            for _ in range(100000): x = [x]
            sys.setrecursionlimit(10 ** 9); return len(repr(x))
            """, control: false),
        .python(
            "50", "descriptors without end", .neighbour,
            """
            kept = []
            try:
                while True: kept += os.pipe()
            except OSError: return len(kept)
            """, control: false, dangerous: true),
    ]

    private static let host: [Attempt] = [
        .python(
            "70", "frames by hand on every descriptor", .neighbour,
            """
            import struct
            for d in range(3, 256):
                for frame in (struct.pack('<IB', 0xffffffff, 19), struct.pack('<IB', 8, 19) + b'"forged"', struct.pack('<IB', 0, 16)):
                    try: os.write(d, frame)
                    except OSError: pass
            """, control: false),
        .python(
            "71", "shut the socket and open others in its place", .neighbour,
            """
            socket.socket(fileno=os.dup(3)).shutdown(2); a, b = os.pipe(); os.dup2(b, 3)
            """, control: false),
        .python(
            "72", "stuff descriptors into the host", .hostDescriptors,
            """
            import array
            s = socket.socket(fileno=os.dup(3)); d = [os.pipe()[0] for _ in range(50)]
            for _ in range(50):
                try: s.sendmsg([b'\\0'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', d))])
                except OSError: break
            """, control: false),
        .python("74", "end without an answer", .neighbour, "os._exit(0)", control: false),
        .python("74", "crash", .neighbour, "ctypes.string_at(0)", control: false),
        .python(
            "75", "call the interpreter's inside", .neighbour,
            "ctypes.pythonapi.PyErr_SetString(0, 0); ctypes.memset(id(None), 0, 64)",
            control: false),
    ]

    private static let javaScript: [Attempt] = [
        .js(
            "1", "modules of the machine", .answer,
            """
            // Node's modules can be loaded and do nothing.
            const uses = [
                () => require('fs').readFileSync('/etc/passwd'), () => require('node:fs').readdirSync('/'),
                () => require('fs').promises.readFile('/etc/passwd'), () => new (require('net').Socket)().connect(1),
                () => require('child_process').execSync('id'), () => require('vm').runInThisContext('1'),
                () => require('/etc/passwd'), () => require('../../etc/passwd'),
            ]
            for (const use of uses) try { use(); return 'done' } catch {}
            """),
        .js(
            "1", "what other engines offer", .answer,
            """
            // Of `process` there is what needs no process. It tells nothing of the host, and the rest throws.
            if (Object.getOwnPropertyNames(process.env).length > 0 || process.cwd() !== '/') return 'done'
            if (process.pid !== 1 || process.ppid !== 0 || process.getuid() !== 65534 || process.argv[0] !== 'node') return 'done'
            const uses = [() => process.chdir('/tmp'), () => process.kill(1, 9), () => process.abort(), () => process.exit(0), () => process.binding('fs'),
                () => process.dlopen({}, '/lib/x.so'), () => process.stdin.read(), () => require('fs').readFileSync('/etc/passwd')];
            for (const use of uses) { try { use() } catch { continue } return 'done' }
            for (const name of ['Deno', 'Bun', 'std', 'os', 'load', 'read', 'readFile', 'quit', '$vm', 'fetch', 'XMLHttpRequest', 'WebSocket'])
                if (typeof globalThis[name] !== 'undefined') return 'done'
            """),
        .js(
            "17", "dynamic import of an address", .listener,
            "return import(`http://127.0.0.1:${e.port}/x.js`).then(() => 'done', () => 'no')"),
        .js("44", "compute without end", .deadline, "while (true) {}"),
        .js("44", "a regular expression that backtracks", .deadline, "/(a+)+b/.test('a'.repeat(40)); while (true) {}"),
        .js("45", "microtasks without end", .deadline, "const f = () => Promise.resolve().then(f); return f()"),
        .js("45", "await without end", .deadline, "return (async () => { while (true) await null })()"),
        .js(
            "46", "wait on shared memory", .deadline,
            """
            const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
            Atomics.wait(new Int32Array(memory.buffer), 0, 0); while (true) {}
            """),
        .js("47", "a result whose conversion does not end", .deadline, "return { toJSON() { while (true) {} } }"),
        .js(
            "47", "an error whose message does not end", .deadline,
            "const error = new Error; Object.defineProperty(error, 'message', { get() { while (true) {} } }); throw "
                + "error"
        ),
        .js("48", "recursion", .neighbour, "const f = () => f() + 1; try { f() } catch (error) { return error.name }"),
        .js(
            "68", "the harness through the stack", .answer,
            """
            const f = () => f.caller; try { if (f()) return 'done' } catch {}
            return (new Error).stack.includes('faas:harness') && typeof log === 'function' ? 'done' : 'no'
            """),
    ]
}
