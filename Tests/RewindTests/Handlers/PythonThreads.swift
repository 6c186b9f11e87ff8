import FunctionModel

/// Threads, event loops, pipes and sockets that are made while the source loads. Each call uses them and leaves them
/// changed; then they must be as they were. A fork copies neither, so the first call of a new worker says what is right.
extension Handler {
    static let pythonThreads: [Handler] = [
        .python(
            "a pool and a queue's listener made while loading",
            """
            import threading, queue, time
            from concurrent.futures import ThreadPoolExecutor
            pool = ThreadPoolExecutor(4); list(pool.map(lambda x: time.sleep(.01), range(8)))
            jobs = queue.Queue(); seen = []
            def listen():
                while True: seen.append(jobs.get())
            threading.Thread(target=listen, daemon=True).start()
            def handler(event):
                total = sum(pool.map(lambda x: x * event["n"], range(10)))
                jobs.put(1)
                while not seen: time.sleep(0)
                return [total, len(seen), threading.active_count(), jobs.qsize()]
            """, weight: 3, reference: .invocation),
        .python(
            "a thread of the source's that sleeps and counts",
            """
            import threading, time
            ticks = 0
            def tick():
                global ticks
                while True: time.sleep(0.02); ticks += 1
            thread = threading.Thread(target=tick, daemon=True); thread.start()
            def handler(event):
                before = ticks
                time.sleep(0.05)
                return [before < 100, ticks > before, thread.is_alive(), thread.native_id == thread.native_id]
            """, weight: 4, reference: .invocation),
        .python(
            "a thread of the source's that waits with a limit, and ends in the call",
            """
            import threading
            done = threading.Event(); stop = threading.Event(); n = 0
            def work():
                global n
                while not stop.wait(0.01): pass
                n += 1; done.set()
            threading.Thread(target=work, daemon=True).start()
            def handler(event):
                was = stop.is_set(), done.is_set(), n
                stop.set(); done.wait(5)
                return [was, n]
            """, weight: 4, reference: .invocation),
        .python(
            "a lock that a thread of the source's holds, which ends in the call",
            """
            import threading
            lock = threading.Lock(); ready = threading.Event(); release = threading.Event()
            def hold():
                with lock: ready.set(); release.wait()
            threading.Thread(target=hold, daemon=True).start(); ready.wait()
            def handler(event):
                was = lock.locked()
                release.set()
                with lock: pass
                return [was, lock.locked()]
            """, weight: 4, reference: .invocation),
        .python(
            "threads beside those of the source's, left running",
            """
            import threading, time
            threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            n = 0
            def count():
                global n
                while True: n += 1
            def handler(event):
                before = n, threading.active_count()
                for target in (count, lambda: time.sleep(60)): threading.Thread(target=target, daemon=True).start()
                return [before, threading.active_count()]
            """, weight: 5, reference: .invocation),
        .python(
            "a thread that a call leaves in a pool of the source's",
            """
            import threading
            from concurrent.futures import ThreadPoolExecutor
            pool = ThreadPoolExecutor(4)
            def handler(event):
                before = len(pool._threads)
                return [before, pool.submit(pow, event["n"], 5).result(), len(pool._threads)]
            """, weight: 3, reference: .invocation),
        .python(
            "an event loop made while loading",
            """
            import asyncio, threading
            loop = asyncio.new_event_loop(); runs = 0
            async def work(event):
                global runs
                runs += 1
                loop.call_later(60, print)
                reader, writer = asyncio.Event(), asyncio.Queue()
                await writer.put(event["n"])
                return [runs, await writer.get(), await loop.run_in_executor(None, threading.active_count)]
            def handler(event):
                answer = loop.run_until_complete(work(event))
                if event["n"] == 2: loop.close()
                return answer + [len(loop._scheduled)]
            """, weight: 4, reference: .invocation),
        .python(
            "pipes and sockets made while loading",
            """
            import os, socket, select
            reader, writer = os.pipe(); a, b = socket.socketpair(); poll = select.epoll()
            poll.register(reader, select.EPOLLIN); poll.register(a, select.EPOLLIN | select.EPOLLET)
            os.set_blocking(reader, False)
            def handler(event):
                was = [sorted(poll.poll(0)), os.get_blocking(reader), a.fileno(), b.fileno()]
                os.write(writer, b"x" * event["n"]); b.send(b"hello")
                answer = [sorted(poll.poll(0)), len(os.read(reader, 100))]
                if event["n"] == 1: os.set_blocking(reader, True); poll.unregister(a); b.shutdown(socket.SHUT_WR)
                if event["n"] == 2: a.close(); os.close(writer); poll.close()
                if event["n"] == 3: os.dup2(reader, b.fileno()); os.closerange(reader, reader + 2)
                return was + answer
            """, events: [#"{"n":1}"#, #"{"n":2}"#, #"{"n":3}"#], weight: 3, reference: .invocation),
        .python(
            "a counter in the kernel made while loading",
            """
            import ctypes, os, select
            libc = ctypes.CDLL(None)
            counter = libc.eventfd(3, 0); semaphore = libc.eventfd(2, 1)
            def take(number): return int.from_bytes(os.read(number, 8), "little")
            def handler(event):
                answer = [take(counter), take(semaphore)]
                os.write(counter, event["n"].to_bytes(8, "little"))
                if event["n"] == 2: os.close(semaphore)
                return answer
            """, weight: 3, reference: .invocation),
        .python(
            "a log listener's thread",
            """
            import logging, logging.handlers, queue, time
            records = queue.SimpleQueue(); kept = []
            class Keep(logging.Handler):
                def emit(self, record): kept.append(record.getMessage())
            log = logging.getLogger("own"); log.propagate = False; log.setLevel(10)
            log.addHandler(logging.handlers.QueueHandler(records))
            listener = logging.handlers.QueueListener(records, Keep()); listener.start()
            def handler(event):
                log.info("call %d", event["n"])
                while not kept: time.sleep(0)
                return [kept, records.qsize()]
            """, weight: 4, reference: .invocation),
        .python(
            "a thread with its own deep stack and thread-local values",
            """
            import threading, queue
            local = threading.local(); local.n = 0; asks, answers = queue.Queue(), queue.Queue()
            def deep(k): return 0 if k == 0 else 1 + deep(k - 1)
            def serve():
                local.n = 100
                while True: local.n += 1; answers.put([local.n, deep(asks.get())])
            threading.Thread(target=serve, daemon=True).start()
            def handler(event):
                asks.put(200 * event["n"])
                local.n += 1
                return [answers.get(), local.n]
            """, weight: 4, reference: .invocation),
    ]
}

/// What calls do to the descriptors, signals and mappings of the source.
extension Handler {
    static let pythonDescriptors: [Handler] = [
        .python(
            "duplicates of a counter and of an epoll set",
            """
            import os, select
            a = os.eventfd(0, os.EFD_NONBLOCK); b = os.dup(a); c = os.eventfd(0, os.EFD_NONBLOCK)
            poll = select.epoll(); other = select.epoll.fromfd(os.dup(poll.fileno())); r, w = os.pipe()
            def handler(event):
                os.eventfd_write(a, 4 + event["n"])
                answer = [os.eventfd_read(b), len(other.poll(0))]
                poll.register(r, select.EPOLLIN); os.write(w, b"x")
                try: answer.append(os.eventfd_read(c))
                except BlockingIOError: answer.append(None)
                return answer + [len(other.poll(0))]
            """, weight: 3, reference: .invocation),
        .python(
            "a pipe whose ends are exchanged, or both the same",
            """
            import os
            r, w = os.pipe()
            def handler(event):
                os.write(w, b"x"); answer = os.read(r, 1).decode()
                if event["n"] == 1: t = os.dup(r); os.dup2(w, r); os.dup2(t, w)
                if event["n"] == 2: os.dup2(w, r)
                if event["n"] == 3: os.dup2(r, w)
                return answer
            """, events: [#"{"n":1}"#, #"{"n":2}"#, #"{"n":3}"#], weight: 3, reference: .invocation),
        .python(
            "signals that are blocked and wait",
            """
            import os, signal, threading
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
            ask, told = threading.Event(), []
            def wait():
                ask.wait(); told.append(len(signal.sigpending()))
                while True: ask.wait(60)
            thread = threading.Thread(target=wait, daemon=True); thread.start()
            def handler(event):
                before = sorted(map(int, signal.sigpending()))
                ask.set()
                while not told: pass
                os.kill(os.getpid(), signal.SIGUSR1); signal.pthread_kill(thread.ident, signal.SIGUSR2)
                return [before, told, len(signal.sigpending())]
            """, weight: 4, reference: .invocation),
        .python(
            "flags of the source's files, and how they were opened",
            """
            import fcntl, os
            f = os.open(os.__file__, os.O_RDONLY); g = os.open(os.__file__, os.O_PATH); name = os.__file__
            def handler(event):
                answer = [os.get_inheritable(f), fcntl.fcntl(f, fcntl.F_GETFL), fcntl.fcntl(g, fcntl.F_GETFL) & os.O_PATH > 0]
                os.set_inheritable(f, True); fcntl.fcntl(f, fcntl.F_SETFL, os.O_APPEND)
                if event["n"] == 2: os.close(g); os.open(name, os.O_RDONLY)
                for number in range(4):
                    answer.append(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_NONBLOCK)
                    try: os.set_blocking(number, False)
                    except PermissionError: pass
                return answer
            """, weight: 3, reference: .invocation),
        .python(
            "whether files of the source's share a position",
            """
            import os
            f = os.open(os.__file__, os.O_RDONLY); g = os.open(os.__file__, os.O_RDONLY); h = os.dup(f)
            def handler(event):
                os.lseek(f, 10, 0)
                answer = [os.lseek(one, 0, 1) for one in (f, g, h)]
                if event["n"] == 1: os.dup2(f, g)
                if event["n"] == 2: os.close(h); os.open(os.__file__, os.O_RDONLY)
                return answer
            """, weight: 3, reference: .invocation),
        .python(
            "marks on the source's mappings",
            """
            import mmap, os
            m = mmap.mmap(-1, 1 << 20)
            def handler(event):
                os.lseek(34, 0, 0)
                lines = 0
                while part := os.read(34, 1 << 16): lines += part.count(b"\\n")
                for i in range(0, 64, event["n"] + 1):
                    for advice in (mmap.MADV_DONTDUMP, mmap.MADV_RANDOM, mmap.MADV_SEQUENTIAL):
                        try: m.madvise(advice, i * 8192, 4096)
                        except OSError: pass
                # A worker that has been put back has up to about 1,200. More than 2,048 could not be put back.
                return lines < 1900
            """, weight: 3, reference: .invocation),
        .python(
            "a pipe without a reader",
            """
            import os
            def handler(event):
                r, w = os.pipe(); os.close(r)
                try: os.write(w, b"x")
                except BrokenPipeError: return "broken"
            """, reference: .invocation),
        .python(
            "every number of a descriptor",
            """
            import os
            def handler(event):
                opened = [os.dup(0) for _ in range(60)]
                for one in opened: os.close(one)
                return [len(opened), 39 in opened]
            """, reference: .invocation),
    ]
}
