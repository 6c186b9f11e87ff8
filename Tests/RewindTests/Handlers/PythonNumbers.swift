/// Numbers, dates, random numbers, hashes, databases.
extension Handler {
    static let pythonNumbers: [Handler] = [
        .python(
            "datetime and a cached zone",
            """
            import datetime
            cache = {}
            def handler(event):
                zone = cache.setdefault(event["n"], datetime.timezone(datetime.timedelta(hours=event["n"])))
                moment = datetime.datetime(2024, 2, 29, 12, tzinfo=zone)
                return [len(cache), moment, moment.astimezone(datetime.timezone.utc).isoformat(), (moment + datetime.timedelta(days=365)).strftime("%A %j"), datetime.date.fromisocalendar(2024, 9, 4)]
            """),
        .python(
            "time zones",
            """
            import os, time
            def handler(event):
                before = time.tzname, time.localtime(0).tm_hour
                os.environ["TZ"] = "Asia/Tokyo" if event["n"] == 1 else "XYZ-3"; time.tzset()
                return [before, time.tzname, time.localtime(0).tm_hour]
            """),
        .python(
            "zoneinfo",
            """
            import zoneinfo, datetime
            def handler(event):
                try: zone = zoneinfo.ZoneInfo("Europe/Berlin")
                except zoneinfo.ZoneInfoNotFoundError: return "no data"
                size = len(zoneinfo.ZoneInfo._strong_cache) if hasattr(zoneinfo.ZoneInfo, "_strong_cache") else None
                zoneinfo.reset_tzpath([])
                return [str(datetime.datetime(2024, 7, 1, tzinfo=zone)), size, zoneinfo.TZPATH]
            """),
        .python(
            "calendar and strptime",
            """
            import calendar, time, _strptime
            def handler(event):
                known = len(_strptime._regex_cache); first = calendar.firstweekday()
                calendar.setfirstweekday(6)
                return [known, first, tuple(time.strptime("2024-03-01", "%Y-%m-%d")), calendar.month(2024, event["n"])]
            """),
        .python(
            "decimal and its context",
            """
            import decimal
            from decimal import Decimal
            def handler(event):
                context = decimal.getcontext(); was = context.prec, context.flags[decimal.Inexact]
                context.prec = 5 + event["n"]
                return [was, str(Decimal(1) / Decimal(7)), str(Decimal(2).sqrt()), bool(context.flags[decimal.Inexact])]
            """),
        .python(
            "fractions",
            """
            from fractions import Fraction
            total = Fraction(0)
            def handler(event):
                global total
                for i in range(1, 50): total += Fraction(event["n"], i)
                return [str(total), str(Fraction("0.125")), Fraction(3, 7).limit_denominator(2)]
            """),
        .python(
            "large integers",
            """
            value = 1
            def handler(event):
                global value
                for i in range(1, 300): value *= i + event["n"]
                return [str(value)[:40], value.bit_length(), pow(3, 10**30, 10**20 + 39), divmod(-7, 2)]
            """),
        .python(
            "floats, math and cmath",
            """
            import math, cmath
            history = []
            def handler(event):
                history.append(math.sin(event["n"]))
                return [history, math.fsum([0.1] * 10), math.gamma(5.5), str(cmath.sqrt(-1)), (0.1).hex(), math.nextafter(1, 2), float.fromhex("0x1.8p1")]
            """),
        .python(
            "random numbers",
            """
            import random
            def handler(event): return [random.random(), random.getrandbits(64), random.gauss(0, 1), random.sample(range(10**9), 3)]
            """, answers: .different),
        .python(
            "a generator of random numbers with a seed",
            """
            import random
            mine = random.Random(42)
            def handler(event): return [mine.random(), mine.randrange(100), mine.choices("abc", k=event["n"]), mine.gauss(0, 1)]
            """),
        .python(
            "a seeded global generator",
            """
            import random
            def handler(event):
                random.seed(event["n"]); return [random.random(), random.gauss(0, 1), random.shuffle(x := list(range(8))) or x]
            """),
        .python(
            "random numbers drawn while loading, too",
            """
            import random, tempfile
            random.seed(1); random.gauss(0, 1); next(tempfile._get_candidate_names())
            def handler(event): return random.gauss(0, 1) if event["n"] % 2 else next(tempfile._get_candidate_names())
            """, answers: .different),
        .python(
            "the state of the global generator",
            """
            import random
            def handler(event):
                state = random.getstate(); first = random.random(); random.setstate(state)
                return [first] if random.random() == first else "lost"
            """, answers: .different),
        .python(
            "a global generator put into a known state",
            """
            import random
            state = random.Random(7).getstate()
            def handler(event):
                random.setstate(state); return [random.random(), random.getrandbits(event["n"] + 1)]
            """),
        .python(
            "a global generator made anew while loading",
            """
            import importlib, random
            importlib.reload(random)
            def handler(event): return [random.random(), random.choice(range(10**9))]
            """, answers: .different),
        .python(
            "uuid",
            """
            import uuid
            names = []
            def handler(event):
                names.append(str(uuid.uuid5(uuid.NAMESPACE_DNS, str(event["n"]))))
                return [names, str(uuid.uuid4()), str(uuid.uuid1())]
            """, answers: .different),
        .python(
            "secrets and os.urandom",
            """
            import secrets, os
            def handler(event): return [secrets.token_hex(16), secrets.randbelow(2**64), os.urandom(16)]
            """, answers: .different),
        .python(
            "names for temporary files",
            """
            import tempfile
            def handler(event): return next(tempfile._get_candidate_names())
            """, answers: .different),
        .python(
            "hashlib and hmac",
            """
            import hashlib, hmac
            running = hashlib.sha256()
            def handler(event):
                running.update(b"x" * event["n"])
                return [running.hexdigest(), hashlib.md5(b"a").hexdigest(), hashlib.blake2b(b"a", digest_size=8).hexdigest(), hashlib.sha3_256(b"a").hexdigest(), hmac.new(b"k", b"m", "sha512").hexdigest()[:16], hashlib.pbkdf2_hmac("sha1", b"p", b"s", 100).hex()]
            """, weight: 1),
        .python(
            "hashlib imported at call time",
            """
            import sys
            def handler(event):
                had = "_hashlib" in sys.modules, "_sha512" in sys.modules
                import hashlib
                return [had, hashlib.new("sha384", b"x").hexdigest()[:8], hashlib.file_digest.__name__]
            """, weight: 2, learnsImports: false),
        .python(
            "hashlib imported at call time, learned",
            """
            import sys
            def handler(event):
                import hashlib
                return [hashlib.new("sha384", b"x").hexdigest()[:8], hashlib.file_digest.__name__]
            """, weight: 2),
        .python(
            "a database in memory, made at module level",
            """
            import sqlite3
            db = sqlite3.connect(":memory:", check_same_thread=False)
            db.execute("create table t (id integer primary key, name text)")
            db.executemany("insert into t (name) values (?)", [(f"n{i}",) for i in range(500)])
            db.commit()
            def handler(event):
                cursor = db.execute("insert into t (name) values (?)", (str(event["n"]),))
                if event["n"] == 1: db.commit()
                db.execute("create index if not exists i on t (name)")
                return [cursor.lastrowid, db.execute("select count(*) from t").fetchone(), db.total_changes, db.execute("select name from t order by name desc limit 2").fetchall()]
            """, weight: 1),
        .python(
            "a database in memory, made in the call",
            """
            import sqlite3
            kept = []
            def handler(event):
                db = sqlite3.connect(":memory:"); kept.append(db)
                db.create_function("twice", 1, lambda x: x * 2)
                db.execute("create table t (x)"); db.executemany("insert into t values (?)", ((i,) for i in range(1000)))
                try: db.execute("select nothing from nowhere")
                except sqlite3.OperationalError as error: failed = str(error)
                return [len(kept), db.execute("select sum(twice(x)) from t").fetchone(), failed]
            """, weight: 2),
        .python(
            "statistics imported at call time",
            """
            import sys
            def handler(event):
                had = "statistics" in sys.modules
                import statistics
                return [had, statistics.stdev([1, 2, 3, 4 + event["n"]]), statistics.quantiles(range(20), n=4), str(statistics.NormalDist(0, 1).cdf(1))]
            """, weight: 3, learnsImports: false),
        .python(
            "statistics imported at call time, learned",
            """
            import sys
            def handler(event):
                import statistics
                return [statistics.stdev([1, 2, 3, 4 + event["n"]]), statistics.quantiles(range(20), n=4), str(statistics.NormalDist(0, 1).cdf(1))]
            """, weight: 3),
        .python(
            "heapq and bisect",
            """
            import heapq, bisect
            heap = []; ordered = [1, 5, 9]
            def handler(event):
                for i in (5, 3, 8): heapq.heappush(heap, i * event["n"])
                bisect.insort(ordered, event["n"])
                return [heapq.heappop(heap), len(heap), ordered, list(heapq.merge([1, 4], [2, 3]))]
            """),
        .python(
            "a matrix product",
            """
            last = None
            def handler(event):
                global last
                n = 24; a = [[(i * j + event["n"]) % 7 for j in range(n)] for i in range(n)]
                was = last
                last = [[sum(x * y for x, y in zip(row, column)) for column in zip(*a)] for row in a]
                return [was, last[3][:4]]
            """, weight: 1),
        .python(
            "primes, with the sieve kept",
            """
            known = [2]
            def handler(event):
                for c in range(known[-1] + 1, known[-1] + 300):
                    if all(c % p for p in known if p * p <= c): known.append(c)
                return [len(known), known[-1]]
            """),
        .python(
            "number formatting limits",
            """
            import sys
            def handler(event):
                was = sys.get_int_max_str_digits(); sys.set_int_max_str_digits(0 if event["n"] == 1 else 700)
                return [was, len(str(10**600))]
            """),
        .python(
            "a clock that was read at module level",
            """
            import time
            started = time.monotonic_ns(); calls = 0
            def handler(event):
                global calls
                calls += 1
                return [calls, time.monotonic_ns() > started, time.time() > 1.6e9, time.perf_counter() > 0, time.get_clock_info("monotonic").monotonic]
            """),
    ]
}
