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
