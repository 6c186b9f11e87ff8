/// Buffers and typed arrays, small and large.
extension Handler {
    static let jsMemory: [Handler] = [
        .js(
            "typed arrays of every kind",
            """
            const buffer = new ArrayBuffer(64), views = [Int8Array, Uint8ClampedArray, Int16Array, Uint32Array, Float32Array, Float64Array, BigInt64Array].map(T => new T(buffer))
            exports.handler = event => { const was = views[3][0]; views[0][0] += event.n; views[1][9] = 300; views[5][2] = 1.5; views[6][4] = 5n; return [was, [...new Uint8Array(buffer)].join(), views[4][5], views[2].subarray(1, 3).length, Array.from(views[0].slice(0, 4))] }
            """),
        .js(
            "DataView",
            """
            const v = new DataView(new ArrayBuffer(32))
            exports.handler = event => { const was = v.getUint32(0); v.setUint32(0, was + event.n); v.setFloat64(8, Math.PI, true); v.setBigUint64(16, 7n); return [was, v.getUint8(3), v.getFloat64(8, true), v.getInt16(22)] }
            """),
        .js(
            "resizable buffers",
            """
            const b = new ArrayBuffer(1024, { maxByteLength: 1 << 20 }), view = new Uint8Array(b)
            exports.handler = event => { const was = [b.byteLength, view.length, view[10]]; b.resize(200000 * event.n); view.fill(event.n, 0, 150000); return [was, b.byteLength, view.length, view[149999], b.maxByteLength] }
            """, weight: 1),
        .js(
            "buffers that are transferred",
            """
            let b = new ArrayBuffer(5000); new Uint8Array(b)[1] = 9
            exports.handler = event => { const was = [b.byteLength, new Uint8Array(b)[1]]; const c = b.transfer ? b.transfer(9000) : b.slice(0); new Uint8Array(c)[1] += event.n; const old = b.byteLength; b = c; return [was, old, b.byteLength, new Uint8Array(b)[1]] }
            """),
        .js(
            "shared buffers and atomics",
            """
            const ok = typeof SharedArrayBuffer === 'function'; const s = new Int32Array(ok ? new SharedArrayBuffer(64) : new ArrayBuffer(64))
            exports.handler = event => [ok, Atomics.add(s, 0, event.n), Atomics.load(s, 0), Atomics.compareExchange(s, 1, 0, 5), Atomics.exchange(s, 2, 7)]
            """),
        .js(
            "1 MB that is kept",
            """
            const kept = []
            exports.handler = event => { const b = new Uint8Array(1 << 20), was = b[777777]; b.fill(event.n); kept.push(b); return [kept.length, was, kept[0][777777]] }
            """, weight: 1),
        .js(
            "100 MB that is kept",
            """
            const kept = []
            exports.handler = event => { const b = new Uint8Array(100 << 20), was = b[50 << 20]; for (let i = 0; i < b.length; i += 4096) b[i] = event.n; kept.push(b); return [kept.length, was, b[99 << 20]] }
            """, weight: 5),
        .js(
            "20 MB made while loading, all of it changed",
            """
            const b = new Uint8Array(20 << 20).fill(97)
            exports.handler = event => { const was = [b[0], b[10 << 20], b.at(-1)]; for (let i = 0; i < b.length; i += 4096) b[i] = event.n; return [was, b[4096], b[4097]] }
            """, weight: 5),
        .js(
            "5 MB made while loading, released, and as much taken again",
            """
            let b = new Uint8Array(5 << 20).fill(97)
            exports.handler = event => { const was = [b.length, b[1 << 20], b.at(-1)]; b = null; for (let i = 0; i < 30; i++) { const c = new Uint8Array(5 << 20); c[event.n] = i } b = new Uint8Array(5 << 20); return [was, b[1 << 20]] }
            """, weight: 4),
        .js(
            "an array at top level grows",
            """
            const a = []
            exports.handler = event => { for (let i = 0; i < 30000; i++) a.push(i * event.n); return [a.length, a.at(-1)] }
            """, weight: 1),
        .js(
            "an array at top level is emptied",
            """
            const a = Array.from({ length: 50000 }, (_, i) => i), o = Object.fromEntries(a.slice(0, 1000).map(i => ['k' + i, i]))
            exports.handler = event => { const was = [a.length, Object.keys(o).length]; a.length = event.n; for (const k in o) delete o[k]; return [was, a, o] }
            """, weight: 2),
        .js(
            "a large array of numbers, filled and sorted",
            """
            const f = new Float64Array(50000)
            exports.handler = event => { const was = f[100]; for (let i = 0; i < f.length; i++) f[i] = (i * 7919 * event.n) % 50021; f.sort(); return [was, f[100], f[49999]] }
            """, weight: 4),
        .js(
            "a hundred thousand objects",
            """
            const kept = []
            exports.handler = event => { for (let i = 0; i < 100000; i++) kept.push({ i, s: i }); return [kept.length, kept.at(-1).i] }
            """, weight: 4),
        .js(
            "buffers of every size",
            """
            const kept = []
            exports.handler = event => { for (let p = 0; p < 22; p++) { const b = new Uint8Array((1 << p) + event.n); if (b.some(x => x !== 0)) return 'dirty'; b[0] = 1; b[b.length - 1] = 1; kept.push(b) } return [kept.length, kept.reduce((s, b) => s + b.length, 0)] }
            """, weight: 4),
        .js(
            "fresh memory is zero",
            """
            let n = 0
            exports.handler = event => { n++; for (const size of [100, 5000, 70000, 300000, 3000000]) for (let r = 0; r < 3; r++) { const b = new Uint32Array(size / 4); for (let i = 0; i < b.length; i += 97) if (b[i] !== 0) return ['dirty', size, i]; b.fill(0xdeadbeef) } return [n, event.n] }
            """, weight: 4),
        .js(
            "more than five hundred pages here and there",
            """
            const b = new Uint8Array(12 << 20), block = 128 << 10
            for (let at = 0; at < b.length; at += 2 * block) for (let p = 0; p < block; p += 8192) b[at + p] = 7
            const sum = first => { let s = 0; for (let at = first; at < b.length; at += 2 * block) for (let p = 0; p < block; p += 8192) s += b[at + p]; return s }
            exports.handler = event => { const was = [sum(0), sum(block)]; for (let p = 0; p < b.length; p += 8192) b[p] = 1 + event.n % 100; return [was, sum(0), sum(block)] }
            """, weight: 4),
    ]
}
