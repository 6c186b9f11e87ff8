import FunctionModel

/// Code that the engine compiles, in every tier, and takes back.
extension Handler {
    /// `add`, `bump` (which counts in the memory's first word) and a memory of one page that may become ten.
    private static let module = """
        const bytes = new Uint8Array([0,97,115,109,1,0,0,0,1,11,2,96,2,127,127,1,127,96,0,1,127,3,3,2,0,1,5,4,1,1,1,10,7,18,3,1,109,2,0,3,97,100,100,0,0,4,98,117,109,112,0,1,10,30,2,7,0,32,0,32,1,106,11,20,0,65,0,65,0,40,2,0,65,1,106,54,2,0,65,0,40,2,0,11]);
        """

    static let jsEngine: [Handler] = [
        .js(
            "a loop hot enough for every tier",
            """
            let rounds = 0; const mix = (a, i) => (a * 31 + i ^ a >>> 7) | 0
            exports.handler = event => { let a = event.n; for (let i = 0; i < 300000; i++) a = mix(a, i); return [++rounds, a] }
            """, weight: 3),
        .js(
            "a loop over doubles",
            """
            let total = 0
            exports.handler = event => { let x = 0; for (let i = 1; i < 100000; i++) x += Math.sin(i) / i * event.n; total += x; return [total, x] }
            """, weight: 3),
        .js(
            "fib",
            "let calls = 0; const fib = n => (calls++, n < 2 ? n : fib(n - 1) + fib(n - 2)); exports.handler = event => [fib(18 + event.n), calls]",
            weight: 2),
        .js(
            "a function that is compiled for integers and then gets text",
            """
            const add = (a, b) => a + b; let n = 0
            exports.handler = event => { let s = 0; for (let i = 0; i < 20000; i++) s = add(s, i); const t = add('a', event.n); for (let i = 0; i < 2000; i++) s = add(s, 0.5); return [s, t, ++n, add({ valueOf: () => 3 }, 1n < 2)] }
            """, weight: 2),
        .js(
            "a shape that changes under compiled code",
            """
            class P { constructor(x) { this.x = x } get() { return this.x } } const ps = Array.from({ length: 100 }, (_, i) => new P(i)); let n = 0
            exports.handler = event => { let s = 0; for (let r = 0; r < 200; r++) for (const p of ps) s += p.get(); P.prototype.get = function () { return 1 }; ps[5].y = event.n; delete ps[6].x; for (const p of ps) s += p.get(); return [s, ++n, Object.keys(ps[5])] }
            """, weight: 3),
        .js(
            "a constant that compiled code relies on",
            """
            const config = { factor: 2 }; var global = 10; const f = x => x * config.factor + global
            exports.handler = event => { let s = 0; for (let i = 0; i < 30000; i++) s += f(i); config.factor = event.n + 5; global = 1; for (let i = 0; i < 100; i++) s += f(i); return s }
            """, weight: 2),
        .js(
            "arrays in hot code that get holes",
            """
            const a = Array.from({ length: 1000 }, (_, i) => i); let n = 0
            exports.handler = event => { let s = 0; for (let r = 0; r < 50; r++) for (let i = 0; i < a.length; i++) s += a[i] ?? 0; delete a[event.n]; a[2000] = 1.5; for (let i = 0; i < a.length; i++) s += a[i] ?? 0; Array.prototype[3] = 'x'; return [s, ++n, a.length] }
            """, weight: 3),
        .js(
            "try and finally in hot code",
            """
            let thrown = 0; const f = i => { try { if (i % 100 === 99) throw new Error('x'); return i } catch { thrown++; return -1 } finally { thrown += 0.5 } }
            exports.handler = event => { let s = 0; for (let i = 0; i < 5000; i++) s += f(i * event.n); return [s, thrown] }
            """, weight: 2),
        .js(
            "generators in hot code",
            """
            let made = 0; function* range(n) { made++; for (let i = 0; i < n; i++) yield i }
            exports.handler = event => { let s = 0; for (let r = 0; r < 20; r++) for (const x of range(500)) s += x * event.n; return [s, made] }
            """, weight: 2),
        .js(
            "calls with spread, rest, apply",
            """
            let n = 0; const f = (...a) => a.reduce((x, y) => x + y, 0), g = function () { n++; return f.apply(this, arguments) }
            exports.handler = event => { let s = 0; for (let i = 0; i < 3000; i++) s += g(i, ...[1, 2, event.n]); return [s, n] }
            """, weight: 2),
        .js(
            "methods called through many classes",
            """
            class A { v() { return 1 } } class B extends A { v() { return super.v() + 1 } } class C extends B { v() { return super.v() * 2 } } const os = [new A, new B, new C]; let n = 0
            exports.handler = event => { let s = 0; for (let i = 0; i < 20000; i++) s += os[i % 3].v(); B.prototype.v = () => 100; Object.setPrototypeOf(C.prototype, A.prototype); os.push(new C); s += os[3].v() + os[1].v(); return [s, ++n, event.n] }
            """, weight: 2),
        .js(
            "a switch over text and an interpreter loop",
            """
            const program = ['push', 'dup', 'add', 'swap', 'mul', 'pop']; let steps = 0
            exports.handler = event => { const st = [event.n, 1]; for (let i = 0; i < 10000; i++) { steps++; switch (program[i % 6]) { case 'push': st.push(i); break; case 'dup': st.push(st.at(-1)); break; case 'add': st.push((st.pop() + st.pop()) | 0); break; case 'swap': { const a = st.pop(), b = st.pop(); st.push(a, b); break } case 'mul': st.push((st.pop() * (st.pop() ?? 1)) % 1000); break; default: if (st.length > 2) st.pop() } } return [st.slice(0, 5), steps] }
            """, weight: 2),
        .js(
            "a matrix of typed arrays",
            """
            const n = 40, a = new Float64Array(n * n).map((_, i) => i % 7), b = new Float64Array(n * n).map((_, i) => i % 5), c = new Float64Array(n * n)
            exports.handler = event => { const was = c[41]; for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) { let s = 0; for (let k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j]; c[i * n + j] += s * event.n } a[3]++; return [was, c[41], a[3]] }
            """, weight: 2),
        .js(
            "sha256 written in JavaScript",
            """
            const K = [], H0 = []; { let p = 2, i = 0; const frac = x => ((x - Math.floor(x)) * 0x100000000) | 0; while (i < 64) { let ok = true; for (let d = 2; d * d <= p; d++) if (p % d === 0) { ok = false; break } if (ok) { if (i < 8) H0[i] = frac(Math.sqrt(p)); K[i++] = frac(Math.cbrt(p)) } p++ } }
            let done = 0; const rot = (x, n) => x >>> n | x << 32 - n
            const sha = text => { const bytes = [...text].map(c => c.charCodeAt(0)), l = bytes.length * 8; bytes.push(128); while (bytes.length % 64 !== 56) bytes.push(0); bytes.push(0, 0, 0, 0, l >>> 24, l >>> 16 & 255, l >>> 8 & 255, l & 255); const h = H0.slice(); for (let o = 0; o < bytes.length; o += 64) { const w = new Int32Array(64); for (let i = 0; i < 16; i++) w[i] = bytes[o + i * 4] << 24 | bytes[o + i * 4 + 1] << 16 | bytes[o + i * 4 + 2] << 8 | bytes[o + i * 4 + 3]; for (let i = 16; i < 64; i++) { const s0 = rot(w[i - 15], 7) ^ rot(w[i - 15], 18) ^ w[i - 15] >>> 3, s1 = rot(w[i - 2], 17) ^ rot(w[i - 2], 19) ^ w[i - 2] >>> 10; w[i] = w[i - 16] + s0 + w[i - 7] + s1 } let [a, b, c, d, e, f, g, hh] = h; for (let i = 0; i < 64; i++) { const t1 = hh + (rot(e, 6) ^ rot(e, 11) ^ rot(e, 25)) + (e & f ^ ~e & g) + K[i] + w[i] | 0, t2 = (rot(a, 2) ^ rot(a, 13) ^ rot(a, 22)) + (a & b ^ a & c ^ b & c) | 0; hh = g; g = f; f = e; e = d + t1 | 0; d = c; c = b; b = a; a = t1 + t2 | 0 } [a, b, c, d, e, f, g, hh].forEach((x, i) => h[i] = h[i] + x | 0) } done++; return h.map(x => (x >>> 0).toString(16).padStart(8, '0')).join('') }
            exports.handler = event => [sha('abc'), sha('x'.repeat(500 * event.n)), done]
            """, weight: 2),
        .js(
            "a module compiled while loading",
            module + """
                const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes)); const { add, bump, m } = instance.exports
                exports.handler = event => [add(event.n, 40), bump(), bump(), m.buffer.byteLength, new Uint8Array(m.buffer)[1000]++]
                """, weight: 2, reference: .instance),
        .js(
            "a module compiled in the call",
            module + """
                const kept = []
                exports.handler = event => { const i = new WebAssembly.Instance(new WebAssembly.Module(bytes)); kept.push(i); return [i.exports.add(event.n, 1), kept.map(k => k.exports.bump()), WebAssembly.validate(bytes), WebAssembly.Module.exports(new WebAssembly.Module(bytes)).length] }
                """, weight: 3),
        .js(
            "a memory of a module that grows",
            module + """
                const { bump, m } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
                exports.handler = event => { const was = [m.buffer.byteLength, bump()]; const old = m.grow(event.n); new Uint8Array(m.buffer).fill(7, 65536); return [was, old, m.buffer.byteLength, bump(), new Uint8Array(m.buffer)[70000]] }
                """, weight: 2, reference: .instance),
        .js(
            "a module hot enough to compile",
            module + """
                const { add, bump } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports; let n = 0
                exports.handler = event => { let s = 0; for (let i = 0; i < 20000; i++) { s = add(s, i * event.n); bump() } return [s, bump(), ++n] }
                """, weight: 3, reference: .instance),
        .js(
            "memories, tables and globals of WebAssembly",
            """
            const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 }), g = new WebAssembly.Global({ value: 'i32', mutable: true }, 1), t = new WebAssembly.Table({ element: 'externref', initial: 2 })
            exports.handler = event => { const was = [g.value, t.get(0) ?? null, memory.buffer.byteLength]; g.value += event.n; t.set(0, { n: g.value }); t.grow(1); memory.grow(1); new DataView(memory.buffer).setInt32(8, 5); return [was, g.value, t.length, new DataView(memory.buffer).getInt32(8)] }
            """, weight: 2),
        .js(
            "garbage that forces collections",
            """
            let kept = []
            exports.handler = event => { for (let i = 0; i < 100000; i++) { const o = { i, a: [i, i + 1], s: 'x' + i }; if (i % 5000 === 0) kept.push(o) } return [kept.length, kept.at(-1).s, kept[0].a] }
            """, weight: 4),
        .js(
            "garbage with closures and cycles",
            """
            const roots = []
            exports.handler = event => { for (let i = 0; i < 20000; i++) { const a = { f: () => b }, b = { a, m: new Map([[a, i]]) }; if (i % 2000 === 0) roots.push(b) } return [roots.length, roots[0].a.f() === roots[0], roots.at(-1).m.size] }
            """, weight: 4),
        .js(
            "garbage of large strings and buffers",
            """
            const kept = []
            exports.handler = event => { for (let i = 0; i < 200; i++) { const b = new Uint8Array(50000); b[i] = i; const s = 'y'.repeat(20000) + i; if (i % 50 === 0) kept.push(b, s) } return [kept.length, kept[2][50], kept.at(-1).length] }
            """, weight: 4),
        .js(
            "200,000 objects made while loading, one of them changed",
            """
            const all = Array.from({ length: 200000 }, (_, i) => ({ i, next: null })); let n = 0
            exports.handler = event => { const o = all[event.n * 77777], was = [o.i, o.next]; o.i = -1; o.next = all; o['x' + event.n] = 1; return [was, all.length, ++n] }
            """, weight: 1),
        .js(
            "200,000 objects made while loading, and a collection in the call",
            """
            const all = Array.from({ length: 200000 }, (_, i) => ({ i })); let kept = []
            exports.handler = event => { for (let i = 0; i < 150000; i++) { const o = { i, j: i }; if (i % 10000 === 0) kept.push(o) } all[7].i++; return [kept.length, all[7].i] }
            """, weight: 5),
        .js(
            "a bundle of 300 KB",
            "let calls = 0; const table = {};\n"
                + (0..<3000).map {
                    "function f\($0)(x) { calls++; return table['k\($0)'] = x * \($0) + (table['k\($0)'] ?? 0) }"
                }.joined(
                    separator: "\n")
                + "\nexports.handler = event => { let s = 0; for (let i = 0; i < 3000; i += 13) s += eval('f' + i)(event.n); return [s, calls, Object.keys(table).length] }",
            weight: 3),
    ]
}
