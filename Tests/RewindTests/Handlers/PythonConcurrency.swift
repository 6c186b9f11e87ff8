/// Threads, tasks, pools.
extension Handler {
    static let pythonConcurrency: [Handler] = [
        .python(
            "a thread that ends",
            """
            import threading
            done = []; lock = threading.Lock()
            def work(n):
                with lock: done.append(n)
            def handler(event):
                t = threading.Thread(target=work, args=(event["n"],)); t.start(); t.join()
                return [done, threading.active_count(), t.name]
            """, weight: 3),
        .python(
            "eight threads and a queue",
            """
            import threading, queue
            jobs = queue.Queue(); results = []
            def handler(event):
                def work():
                    while (job := jobs.get()) is not None: results.append(job * event["n"])
                threads = [threading.Thread(target=work) for _ in range(8)]
                for t in threads: t.start()
                for i in range(50): jobs.put(i)
                for _ in threads: jobs.put(None)
                for t in threads: t.join()
                return [sorted(results)[-1], len(results), jobs.qsize()]
            """, weight: 4),
        .python(
            "a thread that is left running",
            """
            import threading, time
            started = 0
            def handler(event):
                global started
                started += 1
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                return [started, threading.active_count()]
            """, weight: 5),
        .python(
            "a lock that is left locked",
            """
            import threading
            lock = threading.Lock(); event_ = threading.Event(); semaphore = threading.Semaphore(3); condition = threading.Condition()
            def handler(event):
                got = lock.acquire(timeout=0), event_.is_set(), semaphore.acquire(blocking=False), semaphore._value
                event_.set(); condition.acquire()
                return got
            """),
        .python(
            "thread-local values",
            """
            import threading
            local = threading.local(); local.x = 1
            def handler(event):
                was = local.x, hasattr(local, "y"); local.x += event["n"]; local.y = 1; seen = []
                t = threading.Thread(target=lambda: seen.append(hasattr(local, "x"))); t.start(); t.join()
                return [was, local.x, seen]
            """, weight: 3),
        .python(
            "a pool of threads",
            """
            import concurrent.futures
            total = 0
            def handler(event):
                global total
                with concurrent.futures.ThreadPoolExecutor(4) as pool:
                    total += sum(pool.map(lambda x: x * event["n"], range(20)))
                    future = pool.submit(lambda: 1 / 0)
                return [total, type(future.exception()).__name__]
            """, weight: 4),
        .python(
            "a pool of threads at module level",
            """
            import concurrent.futures
            pool = concurrent.futures.ThreadPoolExecutor(2); done = []
            def handler(event):
                pool.submit(done.append, event["n"]).result(); pool.shutdown()
                return [done, pool._shutdown]
            """, weight: 4),
        .python(
            "a pool of processes",
            """
            import multiprocessing, os
            n = 0
            def work(x): return x * x
            def handler(event):
                global n
                n += 1
                context = multiprocessing.get_context("fork"); q = context.SimpleQueue()
                p = context.Process(target=lambda: q.put([work(event["n"] + i) for i in range(5)])); p.start(); value = q.get(); p.join()
                return [n, value, p.exitcode]
            """, weight: 4),
        .python(
            "a timer thread",
            """
            import threading
            fired = threading.Event(); count = []
            def handler(event):
                t = threading.Timer(0.001, lambda: (count.append(1), fired.set())); t.start(); fired.wait(5); t.join()
                return [count, fired.is_set()]
            """, weight: 4),
        .python(
            "an asynchronous handler",
            """
            import asyncio
            n = 0
            async def handler(event):
                global n
                n += 1
                await asyncio.sleep(0)
                return [n, event["n"], len(asyncio.all_tasks())]
            """, weight: 1),
        .python(
            "tasks, gather, queue and timeout",
            """
            import asyncio
            log = []
            async def work(i, q):
                await asyncio.sleep(0.0001 * i); await q.put(i); log.append(i)
            async def handler(event):
                q = asyncio.Queue()
                await asyncio.gather(*(work(i, q) for i in range(5)))
                try: await asyncio.wait_for(asyncio.Event().wait(), 0.001)
                except asyncio.TimeoutError: log.append("late")
                async with asyncio.TaskGroup() as group: group.create_task(work(0, q))
                return [log, q.qsize()]
            """, weight: 3),
        .python(
            "a task left pending",
            """
            import asyncio
            tasks = set(); ran = 0
            async def for_ever():
                global ran
                ran += 1
                await asyncio.Event().wait()
            async def handler(event):
                tasks.add(asyncio.create_task(for_ever())); await asyncio.sleep(0)
                return [ran, len(tasks)]
            """, weight: 1),
        .python(
            "an event loop kept at module level",
            """
            import asyncio
            loop = asyncio.new_event_loop(); n = 0
            # In debug mode it complains of what takes long, as anything does on a busy machine.
            loop.slow_callback_duration = 3600
            async def work(x):
                global n
                n += x
                await asyncio.sleep(0)
                return n
            def handler(event):
                loop.call_soon(lambda: None); loop.call_later(100, print); loop.set_debug(event["n"] == 2)
                return [loop.run_until_complete(work(event["n"])), len(loop._scheduled), loop.get_debug() == (event["n"] == 2)]
            """, weight: 1),
        .python(
            "asyncio with threads",
            """
            import asyncio, threading
            seen = []
            async def handler(event):
                await asyncio.to_thread(seen.append, event["n"])
                r = await asyncio.get_running_loop().run_in_executor(None, lambda: threading.current_thread() is threading.main_thread())
                return [seen, r]
            """, weight: 4),
        .python(
            "asyncio streams over a socket pair",
            """
            import asyncio, socket
            total = 0
            async def handler(event):
                global total
                a, b = socket.socketpair()
                reader, writer = await asyncio.open_connection(sock=a); r2, w2 = await asyncio.open_connection(sock=b)
                w2.write(b"x" * 1000 * event["n"] + b"\\n"); await w2.drain(); total += len(await reader.readline())
                writer.close(); w2.close()
                return total
            """, weight: 3),
        .python(
            "an asyncio subprocess",
            """
            import asyncio
            n = 0
            async def handler(event):
                global n
                n += 1
                p = await asyncio.create_subprocess_exec("/bin/echo", str(event["n"]), stdout=asyncio.subprocess.PIPE)
                out, _ = await p.communicate()
                return [n, out.decode(), p.returncode]
            """, weight: 5),
        .python(
            "cancellation and shields",
            """
            import asyncio
            log = []
            async def slow():
                try: await asyncio.sleep(10)
                except asyncio.CancelledError: log.append("cancelled"); raise
            async def handler(event):
                t = asyncio.create_task(slow()); await asyncio.sleep(0); t.cancel()
                results = await asyncio.gather(t, return_exceptions=True)
                asyncio.set_event_loop_policy(None)
                return [log, type(results[0]).__name__, t.cancelled()]
            """, weight: 1),
        .python(
            "a scheduler and its queue",
            """
            import sched, time
            s = sched.scheduler(time.monotonic, lambda d: None); log = []
            def handler(event):
                s.enter(1000, 1, log.append, ("never",)); s.enter(-1, 1, log.append, (event["n"],)); s.run(blocking=False)
                return [log, len(s.queue)]
            """),
    ]
}
