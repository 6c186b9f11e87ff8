/// Memory in large pieces, in many pieces, in changing amounts.
extension Handler {
    static let pythonMemory: [Handler] = [
        .python(
            "1 MB that is kept",
            """
            kept = []
            def handler(event):
                kept.append(bytearray(1 << 20)); was = kept[0][12345]; kept[0][12345] = 1
                return [len(kept), was, sum(map(len, kept))]
            """),
        .python(
            "100 MB that is kept",
            """
            kept = []
            def handler(event):
                block = bytearray(100 << 20); clean = block[50 << 20]
                for i in range(0, len(block), 4096): block[i] = event["n"]
                kept.append(block)
                return [len(kept), clean, block[99 << 20]]
            """, weight: 5),
        .python(
            "20 MB made while loading, all of it changed",
            """
            block = bytearray(b"abcd" * (5 << 20))
            def handler(event):
                was = block.count(b"a", 0, 1 << 20), block[-1]
                for i in range(0, len(block), 4096): block[i] = 0
                return [was, block[4096], block[1]]
            """, weight: 5),
        .python(
            "2 MB made while loading, released, and as much taken again",
            """
            block = bytearray(b"abcd" * (1 << 19))
            def handler(event):
                global block
                was = len(block), block.count(b"a"), block[-1]
                block = None
                block = bytearray(2 << 20)
                return [was, block[1 << 20]]
            """, weight: 3),
        .python(
            "a large list released and made again",
            """
            numbers = list(range(200000))
            def handler(event):
                global numbers
                was = len(numbers), sum(numbers)
                numbers = None; numbers = [0] * 200000
                return [was, len(numbers)]
            """, weight: 3),
        .python(
            "a hundred thousand objects",
            """
            kept = []
            def handler(event):
                kept.extend({"i": i, "s": str(i)} for i in range(100000))
                return [len(kept), kept[-1]["s"]]
            """, weight: 5),
        .python(
            "a list at module level grows",
            """
            numbers = []
            def handler(event):
                for i in range(20000): numbers.append(i * 1000)
                return [len(numbers), numbers[-1]]
            """, weight: 1),
        .python(
            "a dict at module level grows and shrinks",
            """
            table = {i: str(i) for i in range(5000)}
            def handler(event):
                was = len(table)
                for i in range(5000, 15000): table[i] = str(i)
                for i in range(0, 15000, 2): del table[i]
                return [was, len(table), next(iter(table))]
            """, weight: 2),
        .python(
            "a set at module level is emptied",
            """
            names = {f"n{i}" for i in range(3000)}
            def handler(event):
                was = len(names); names.clear(); names.update(range(event["n"]))
                return [was, len(names)]
            """),
        .python(
            "200,000 objects made while loading, one of them changed",
            """
            class Node:
                def __init__(self, n): self.n = n; self.next = None
            nodes = [Node(i) for i in range(200000)]
            def handler(event):
                i = event["n"] * 77777; was = nodes[i].n, len(nodes)
                nodes[i].n = -1; nodes[i].next = nodes
                return was
            """, weight: 1),
        .python(
            "200,000 objects made while loading, all of them looked at",
            """
            nodes = [[i] for i in range(200000)]; calls = 0
            def handler(event):
                global calls
                calls += 1
                return [calls, sum(n[0] for n in nodes)]
            """, weight: 4),
        .python(
            "much garbage",
            """
            import gc
            left = []
            def handler(event):
                for i in range(2000):
                    a = [i]; a.append(a); b = {"a": a}; a.append(b)
                left.append(gc.get_count()[0] > 0)
                return [len(left), len(gc.garbage)]
            """, weight: 2),
        .python(
            "allocations of every size",
            """
            kept = []
            def handler(event):
                for p in range(0, 23): kept.append(bytes(1 << p)); kept.append("x" * ((1 << p) + 1))
                return [len(kept), sum(len(k) for k in kept), kept[20][-1:] == b"\\0"]
            """, weight: 2),
        .python(
            "an array that is made larger again and again",
            """
            data = bytearray(b"start")
            def handler(event):
                was = bytes(data).decode()
                for _ in range(18): data.extend(data)
                size = len(data); del data[3:]; return [was, size, bytes(data).decode()]
            """, weight: 2),
        .python(
            "memory given back to the system",
            """
            import ctypes
            libc = ctypes.CDLL(None); kept = [bytes(1000) for _ in range(5000)]; n = 0
            def handler(event):
                global n
                n += 1; was = len(kept)
                kept.clear(); libc.malloc_trim(0)
                return [n, was, len(bytes(3000000))]
            """, weight: 4),
        .python(
            "a deep copy of a large structure",
            """
            import copy
            tree = {"c": [{"v": i, "c": [{"v": j} for j in range(10)]} for i in range(200)]}
            def handler(event):
                other = copy.deepcopy(tree); tree["c"].pop(); other["c"][0]["v"] = event["n"]
                return [len(tree["c"]), len(other["c"]), tree["c"][0]["v"]]
            """, weight: 3),
        .python(
            "more than five hundred pages here and there",
            """
            import mmap
            m = mmap.mmap(-1, 12 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            # Blocks with content and blocks without, in turn: they are mapped in different ways.
            blocks = range(0, len(m), 128 << 10)
            for block in blocks[::2]:
                for page in range(0, 128 << 10, 8192): m[block + page] = 7
            def handler(event):
                def total(blocks): return sum(m[block + page] for block in blocks for page in range(0, 128 << 10, 8192))
                was = total(blocks[::2]), total(blocks[1::2])
                for page in range(0, len(m), 8192): m[page] = 1 + event["n"] % 100
                return [was, total(blocks)]
            """, weight: 4),
    ]
}
