/// Text, bytes and formats.
extension Handler {
    static let pythonText: [Handler] = [
        .python(
            "hello",
            """
            n = 0
            def handler(event):
                global n
                n += 1
                return {"message": f"Hello, {event['n']}!", "n": n}
            """),
        .python(
            "json round trip with a changed encoder",
            """
            import json
            class Odd:
                def __init__(self, v): self.v = v
            def handler(event):
                before = type(json.JSONEncoder.default).__name__, json.dumps([1, 1.5, None])
                try: json.dumps(Odd(1))
                except TypeError as error: refused = str(error)
                json.JSONEncoder.default = lambda self, o: {"odd": o.v}
                return [before, refused, json.loads(json.dumps({"a": [Odd(event["n"])] * 3}, sort_keys=True))]
            """),
        .python(
            "a large JSON document",
            """
            import json
            seen = []
            def handler(event):
                text = json.dumps([{"id": i, "name": f"item {i}", "tags": ["a", "b"] * (i % 3)} for i in range(2000)])
                seen.append(len(text))
                back = json.loads(text)
                return [len(seen), sum(x["id"] for x in back), len(text)]
            """, weight: 2),
        .python(
            "regular expressions and their cache",
            """
            import re
            size = len(re._cache)
            def handler(event):
                grown = len(re._cache) - size
                found = re.findall(rf"(\\w+?){event['n']}", "one1 two2 three1 four2")
                re.compile(f"(?P<x>a{{{event['n']}}})")
                return [grown, found, re.sub(r"(?i)O", lambda m: m.group().swapcase(), "oOo"), re.split(r"[,;]\\s*", "a, b;c")]
            """),
        .python(
            "a scanner kept at module level",
            """
            import re
            scanner = re.finditer(r"\\d+", "1 22 333 4444")
            def handler(event): return [m.group() for m, _ in zip(scanner, range(event["n"]))]
            """),
        .python(
            "string templates",
            """
            from string import Template
            class T(Template): delimiter = "%"
            def handler(event):
                first = T("%a and $a").safe_substitute(a=event["n"])
                T.delimiter = "$"
                return [first, Template("$a").substitute(a=1), T.delimiter]
            """),
        .python(
            "textwrap",
            """
            import textwrap
            wrapper = textwrap.TextWrapper(width=20)
            def handler(event):
                out = wrapper.wrap("the quick brown fox jumps over the lazy dog " * 3)
                wrapper.width += event["n"]
                return [out, textwrap.dedent("    a\\n      b"), textwrap.shorten("hello world", 8)]
            """),
        .python(
            "Unicode",
            """
            import unicodedata
            names = {}
            def handler(event):
                for c in "éßΩ漢😀": names[c] = unicodedata.name(c)
                n = len(names); names[event["n"]] = 1
                return [n, list(names), unicodedata.normalize("NFD", "é").encode().hex(), "straße".upper(), "İ".lower().encode("utf-16-le").hex()]
            """),
        .python(
            "bytes and text built piece by piece",
            """
            text = ""; data = bytearray()
            def handler(event):
                global text
                for i in range(3000):
                    text += chr(97 + i % 26); data.append(i & 255)
                return [len(text), len(data), text[-5:], bytes(data[-3:]).hex()]
            """),
        .python(
            "interned text",
            """
            import sys
            key = "".join(["inter", "ned"])
            def handler(event):
                a = sys.intern("".join(["some", "thing", str(event["n"])]))
                b = sys.intern("".join(["some", "thing", str(event["n"])]))
                globals()[a] = 1
                return [a is b, sum(1 for k in globals() if k.startswith("some"))]
            """),
        .python(
            "csv with a dialect registered at call time",
            """
            import csv, io
            def handler(event):
                before = csv.list_dialects()
                csv.register_dialect("odd", delimiter="|")
                out = io.StringIO(); csv.writer(out, "odd").writerows([[1, "a|b"], [event["n"], "c"]])
                csv.field_size_limit(1000)
                return [before, out.getvalue(), list(csv.DictReader(io.StringIO("a,b\\n1,2")))]
            """),
        .python(
            "xml",
            """
            import xml.etree.ElementTree as ET
            root = ET.fromstring("<r><a x='1'/></r>")
            def handler(event):
                ET.SubElement(root, "b").text = str(event["n"])
                ET.register_namespace("odd", "urn:odd")
                return [ET.tostring(root).decode(), len(ET._namespace_map)]
            """),
        .python(
            "difflib imported at call time",
            """
            import sys
            def handler(event):
                had = "difflib" in sys.modules
                import difflib
                return [had, list(difflib.unified_diff(["a", "b"], ["a", str(event["n"])])), difflib.get_close_matches("appel", ["ape", "apple"])]
            """, learnsImports: false),
        .python(
            "difflib imported at call time, learned",
            """
            import sys
            def handler(event):
                import difflib
                return [list(difflib.unified_diff(["a", "b"], ["a", str(event["n"])])), difflib.get_close_matches("appel", ["ape", "apple"])]
            """),
        .python(
            "html, base64 and binascii",
            """
            import html, base64, binascii
            table = {}
            def handler(event):
                table.setdefault("x", []).append(event["n"])
                return [table, html.escape("<&>"), html.unescape("&eacute;"), base64.b85encode(b"abc").decode(), binascii.crc32(b"x")]
            """),
        .python(
            "configparser",
            """
            import configparser
            config = configparser.ConfigParser(); config.read_string("[a]\\nx=1")
            def handler(event):
                was = dict(config["a"])
                config["a"][f"y{event['n']}"] = "2"; config.add_section(f"s{event['n']}")
                return [was, config.sections()]
            """),
        .python(
            "shlex, fnmatch and glob patterns",
            """
            import shlex, fnmatch
            lexer = shlex.shlex("a 'b c' d")
            def handler(event): return [lexer.get_token(), shlex.split("x 'y z'"), fnmatch.filter(["a.py", "b.js"], "*.py"), fnmatch._compile_pattern.cache_info().currsize]
            """),
        .python(
            "string formatting and the locale",
            """
            import locale
            def handler(event):
                before = locale.setlocale(locale.LC_ALL), locale.localeconv()["decimal_point"]
                try: changed = locale.setlocale(locale.LC_ALL, "C.UTF-8")
                except locale.Error: changed = None
                return [before, changed, f"{1234567.891:,.2f}", "%-5s|%05d" % ("a", event["n"]), "{0!r:>6}".format("b")]
            """),
        .python(
            "zlib, bz2, lzma and gzip",
            """
            import zlib, bz2, lzma, gzip
            compressor = zlib.compressobj()
            def handler(event):
                data = bytes(range(256)) * 40 * event["n"]
                out = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
                return [len(out), [len(m.decompress(m.compress(data))) for m in (zlib, bz2, lzma, gzip)], zlib.adler32(out)]
            """, weight: 2),
        .python(
            "struct, array and memoryview",
            """
            import struct, array
            numbers = array.array("i", range(10)); view = memoryview(bytearray(16))
            def handler(event):
                numbers.append(event["n"]); view[0] += 1; struct.pack_into("<I", view, 4, len(numbers))
                return [len(numbers), view.tobytes().hex(), struct.unpack("<hhl", struct.pack("<hhl", 1, -2, 3))]
            """),
        .python(
            "pickle and copy",
            """
            import pickle, copy, copyreg
            class P:
                count = 0
                def __init__(self): P.count += 1
                def __reduce__(self): return P, ()
            original = {"p": P()}
            def handler(event):
                deep = copy.deepcopy(original); again = pickle.loads(pickle.dumps([deep, event]))
                n = len(copyreg.dispatch_table); copyreg.pickle(type(view := object()), str)
                return [P.count, again[1], n]
            """),
        .python(
            "email and urllib.parse",
            """
            from email.message import EmailMessage
            import urllib.parse
            message = EmailMessage(); message["Subject"] = "x"
            def handler(event):
                message.add_header(f"X-{event['n']}", "1"); urllib.parse.uses_query.append("odd")
                return [len(message.keys()), urllib.parse.uses_query.count("odd"), urllib.parse.parse_qs("a=1&a=2"), urllib.parse.quote("ä/b")]
            """),
        .python(
            "an event of 300 KB",
            """
            total = 0
            def handler(event):
                global total
                total += len(event["text"])
                return [total, event["text"][:3], event["text"].count("x")]
            """, events: [#"{"text":"\#(String(repeating: "xyz", count: 100_000))"}"#, #"{"text":"short"}"#], weight: 1),
        .python(
            "an answer of 400 KB",
            """
            rows = []
            def handler(event):
                rows.append(event["n"])
                return {"rows": rows, "text": "ab" * 200000}
            """, weight: 2),
        .python(
            "an answer with escapes, surrogates and numbers at the edge",
            """
            seen = set()
            def handler(event):
                seen.add(event["n"])
                return [sorted(seen), "\\ud800", "\\u2028\\x00é", 2**63, -0.0, 1e308, float("nan"), {1: {2.5: (None,)}}, b"bytes", {3}]
            """),
        .python(
            "what it prints",
            """
            import sys
            lines = 0
            def handler(event):
                global lines
                lines += 1
                print("line", lines); print("no end", end=""); print("to stderr", lines, file=sys.stderr)
                sys.stdout.write("x" * 10); sys.stdout.buffer.write(b"raw")
                return lines
            """),
    ]
}
