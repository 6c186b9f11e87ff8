/// Promises, timers, microtasks.
extension Handler {
    static let jsAsync: [Handler] = [
        .js(
            "an asynchronous handler",
            "let n = 0; exports.handler = async event => { n++; await null; n++; return [n, event.n] }"),
        .js(
            "promises of every kind",
            """
            const kept = []; const later = x => new Promise(r => setTimeout(r, 0, x))
            exports.handler = async event => { kept.push(later(1)); const all = await Promise.all([1, later(event.n), Promise.resolve(3)]), settled = await Promise.allSettled([Promise.reject(new Error('x')), later(2)]), any = await Promise.any([Promise.reject(1), later(5)]), race = await Promise.race([later('slow'), 'fast']); return [kept.length, all, settled.map(s => s.status), any, race] }
            """, weight: 1),
        .js(
            "timers in their order",
            """
            const log = []
            exports.handler = event => new Promise(done => { setTimeout(() => log.push('c'), 300); setTimeout(() => log.push('a'), 20); setImmediate(() => log.push('b')); queueMicrotask(() => log.push('m')); const t = setTimeout(() => log.push('never'), 0); clearTimeout(t); setTimeout(() => done([t, log]), 301) })
            """, weight: 3),
        .js(
            "an interval that is left running",
            """
            let ticks = 0
            exports.handler = event => new Promise(done => { const id = setInterval(() => { if (++ticks === 3) done([id, ticks]) }, 1); setTimeout(() => { ticks += 1000 }, 100000) })
            """, weight: 2),
        .js(
            "a timer set while loading",
            """
            let fired = 0; setTimeout(() => { fired++ }, 0); const id = setTimeout(() => {}, 5)
            exports.handler = async event => { const was = fired; await new Promise(r => setTimeout(r, 1)); clearTimeout(id); return [was, setTimeout(() => {}, 0), event.n] }
            """, weight: 2),
        .js(
            "a promise kept at top level",
            """
            let resolve, n = 0; const gate = new Promise(r => { resolve = r }); gate.then(() => { n += 10 })
            exports.handler = async event => { const was = n; resolve(event.n); const v = await gate; return [was, v, n] }
            """),
        .js(
            "a promise that never settles",
            "let n = 0; exports.handler = event => { n++; return new Promise(() => {}) }"),
        .js(
            "a promise that is rejected",
            "let n = 0; exports.handler = async event => { await null; throw new TypeError(`rejected ${++n} ${event.n}`) }"
        ),
        .js(
            "microtasks left behind",
            """
            let n = 0
            exports.handler = event => { Promise.resolve().then(() => { n += 100 }).then(() => { n += 100 }); (async () => { for (let i = 0; i < 50; i++) { await null; n++ } })(); return [n, event.n] }
            """),
        .js(
            "an asynchronous generator kept at top level",
            """
            async function* count() { let n = 0; while (true) { await null; yield ++n } } const g = count()
            exports.handler = async event => { const out = []; for await (const x of g) { out.push(x); if (out.length >= 2 + event.n) break } return [out, await g.next()] }
            """),
        .js(
            "an event emitter",
            """
            class Emitter { #l = new Map; on(e, f) { (this.#l.get(e) ?? this.#l.set(e, []).get(e)).push(f) } emit(e, ...a) { for (const f of this.#l.get(e) ?? []) f(...a) } count(e) { return this.#l.get(e)?.length ?? 0 } } const bus = new Emitter; let heard = 0
            exports.handler = async event => { bus.on('x', v => { heard += v }); bus.emit('x', event.n); await null; bus.emit('x', 1); return [bus.count('x'), heard] }
            """),
        .js(
            "a chain of a thousand promises",
            """
            let n = 0
            exports.handler = async event => { let p = Promise.resolve(0); for (let i = 0; i < 1000; i++) p = p.then(x => { n++; return x + event.n }); return [await p, n] }
            """, weight: 1),
        .js(
            "a thenable and a subclass of Promise",
            """
            class P extends Promise { static made = 0; constructor(f) { super(f); P.made++ } } let asked = 0
            exports.handler = event => { const p = new P(r => r(event.n)).then(x => x + 1); return { then(ok) { asked++; p.then(x => ok([x, P.made, asked])) } } }
            """),
        .js(
            "an asynchronous lock that is left locked",
            """
            let tail = Promise.resolve(), held = 0; const lock = async f => { const before = tail; let release; tail = new Promise(r => { release = r }); await before; held++; return f(release) }
            exports.handler = async event => [await lock(async release => { if (event.n === 2) release(); return held }), held]
            """),
    ]
}
