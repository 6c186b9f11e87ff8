/// Objects, classes, collections, functions, exceptions.
extension Handler {
    static let jsObjects: [Handler] = [
        .js("hello", "let n = 0; exports.handler = event => ({ message: `Hello, ${event.n}!`, n: ++n })"),
        .js(
            "closures",
            """
            const make = () => { let total = 0; return x => total += x }
            const add = make(), made = []
            exports.handler = event => { made.push(make()); return [add(event.n), add(10), made.map(f => f(1))] }
            """),
        .js(
            "a class with private fields and statics",
            """
            class Counter { static #made = 0; static all = []; #n = 0; constructor() { Counter.#made++; Counter.all.push(this) } bump(by) { return this.#n += by } get n() { return this.#n } static get made() { return Counter.#made } static { this.ready = 1 } has(o) { return #n in o } }
            const shared = new Counter
            exports.handler = event => { const c = new Counter; Counter.ready++; return [shared.bump(event.n), c.bump(1), Counter.made, Counter.all.length, Counter.ready, c.has(shared), c.has({})] }
            """),
        .js(
            "a class that extends Array and Error",
            """
            class List extends Array { sum() { return this.reduce((a, b) => a + b, 0) } }
            class Odd extends Error { constructor(m, n) { super(m); this.name = 'Odd'; this.n = n } }
            const list = List.of(1, 2)
            exports.handler = event => { list.push(event.n); const e = new Odd('x', list.length); return [list.sum(), list.map(x => x) instanceof List, e.n, e instanceof Error, String(e)] }
            """),
        .js(
            "Map and Set",
            """
            const m = new Map([['a', 1]]), s = new Set([1, 2])
            exports.handler = event => { m.set(event.n, m.size); m.set({}, 1); m.delete('a'); s.add(event.n + 10); s.delete(1); return [[...m.keys()].length, m, s, m.get(NaN) ?? 'none', new Set([1, 2, 3]).has(3)] }
            """),
        .js(
            "a Map that grows at top level",
            """
            const m = new Map
            exports.handler = event => { for (let i = 0; i < 5000; i++) m.set('k' + i * event.n, i); return [m.size, m.get('k10')] }
            """, weight: 2),
        .js(
            "WeakMap, WeakSet and WeakRef",
            """
            const w = new WeakMap, s = new WeakSet, key = {}, kept = { a: 1 }; const ref = new WeakRef(kept); let n = 0
            exports.handler = event => { const was = w.get(key), had = s.has(key); w.set(key, event.n); s.add(key); for (let i = 0; i < 1000; i++) w.set({}, i); ref.deref().a++; return [was ?? null, had, w.get(key), ref.deref().a, ++n] }
            """),
        .js(
            "FinalizationRegistry",
            """
            const log = [], registry = new FinalizationRegistry(v => log.push(v)); let n = 0
            exports.handler = async event => { const was = log.length; for (let i = 0; i < 2000; i++) registry.register({}, i); n += event.n; return [was, n] }
            """, weight: 1),
        .js(
            "Proxy and Reflect",
            """
            const log = [], target = { x: 1 }
            const p = new Proxy(target, { get(t, k, r) { log.push('get ' + String(k)); return Reflect.get(t, k, r) }, set(t, k, v) { log.push('set'); t[k] = v * 2; return true }, has: () => true, deleteProperty(t, k) { log.push('delete'); return delete t[k] }, ownKeys: t => [...Reflect.ownKeys(t), 'extra'], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }) })
            exports.handler = event => { p.y = event.n; const x = p.x; delete p.x; const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); let e; try { proxy.a } catch (error) { e = error.name } return [x, target, log, 'zz' in p, Object.keys(p), e] }
            """),
        .js(
            "the registry of symbols",
            """
            const mine = Symbol('mine'), o = { [mine]: 0 }; let known = 0
            exports.handler = event => { const s = Symbol.for('shared' + event.n); known = Symbol.keyFor(s); o[mine]++; o[s] = 1; o[Symbol.toPrimitive] = () => 42; return [known, o[mine], Object.getOwnPropertySymbols(o).length, +o, mine.description] }
            """),
        .js(
            "getters and setters",
            """
            let reads = 0; const o = { get x() { return ++reads }, set x(v) { reads = v } }
            exports.handler = event => { const was = o.x; o.x = event.n * 10; Object.defineProperty(o, 'y', { get: () => o.x, configurable: true }); Object.prototype.__defineGetter__.call(o, 'z', () => 5); return [was, o.y, o.z, o.__lookupGetter__('z') !== undefined, Object.keys(o)] }
            """),
        .js(
            "changed prototypes",
            """
            function A() {} A.prototype.hi = () => 'a'; const a = new A
            exports.handler = event => { const was = [a.hi(), [].last === undefined, 'x'.shout === undefined]; A.prototype.hi = () => 'b' + event.n; Array.prototype.last = function () { return this[this.length - 1] }; String.prototype.shout = function () { return this.toUpperCase() + '!' }; Object.setPrototypeOf(a, { hi: () => 'c' }); return [was, a.hi(), new A().hi(), [1, 2].last(), 'x'.shout()] }
            """),
        .js(
            "replaced built-ins",
            """
            exports.handler = event => { const was = [JSON.stringify({ a: 1 }), Math.max(1, 2), typeof parseInt, [3, 1].sort()[0]]; JSON.stringify = () => 'forged'; Math.max = () => -1; globalThis.parseInt = undefined; Array.prototype.sort = function () { return ['forged'] }; Array.prototype[Symbol.iterator] = function* () { yield 'forged' }; return [was, Math.max(1, 2), event.n] }
            """),
        .js(
            "globals of every kind",
            """
            var a = 0; let b = 0; const c = { n: 0 }; function d() { return 0 } class E { static n = 0 }
            exports.handler = event => { const was = [a, b, c.n, d(), E.n, typeof implicit, typeof globalThis.made]; a++; b++; c.n++; d = () => 1; E.n++; implicit = 1; globalThis.made = event.n; return was }
            """),
        .js(
            "frozen and sealed objects",
            """
            const o = { x: 1, inner: { y: 1 } }, list = [1]
            exports.handler = event => { const was = [Object.isFrozen(o), Object.isFrozen(Array.prototype), Object.isExtensible(list)]; o.x += event.n; o.inner.y++; list.push(1); Object.freeze(o); Object.seal(o.inner); Object.preventExtensions(list); Object.freeze(Array.prototype); o.x = 100; return [was, o, list] }
            """),
        .js(
            "property tables: many shapes",
            """
            const shapes = []
            exports.handler = event => { for (let i = 0; i < 300; i++) { const o = {}; for (let k = 0; k < 5; k++) o['p' + (i * 7 + k * event.n) % 40] = k; shapes.push(o) } const big = {}; for (let i = 0; i < 2000; i++) big['key' + i] = i; delete big.key5; return [shapes.length, Object.keys(shapes[7]), Object.keys(big).length] }
            """, weight: 1),
        .js(
            "polymorphic access",
            """
            const kinds = [{ a: 1, x: 1 }, { b: 1, x: 2 }, { c: 1, x: 3 }, { x: 4, d: 1 }, Object.create({ x: 5 }), new (class { get x() { return 6 } })]; const get = o => o.x; let n = 0
            exports.handler = event => { let sum = 0; for (let i = 0; i < 3000; i++) sum += get(kinds[i % kinds.length]); kinds.push({ ['e' + event.n]: 1, x: 7 }); kinds[0].x++; return [sum, kinds.length, ++n] }
            """, weight: 1),
        .js(
            "an iterator kept at top level",
            """
            const it = [1, 2, 3, 4, 5][Symbol.iterator](), entries = new Map([[1, 2], [3, 4]]).entries(), own = { n: 0, next() { return { value: ++this.n, done: this.n > 3 } }, [Symbol.iterator]() { return this } }
            exports.handler = event => [it.next(), it.next(), entries.next().value, [...own]]
            """),
        .js(
            "a generator kept at top level",
            """
            function* count() { let n = 0; while (true) n += (yield n) ?? 1 }
            const g = count(); g.next(); function* two() { yield* [1, 2]; return 3 }
            const t = two()
            exports.handler = event => [g.next().value, g.next(event.n).value, t.next(), t.next(), [...two()]]
            """),
        .js(
            "a generator that is ended",
            """
            const log = []; function* g() { try { yield 1; yield 2 } finally { log.push('end') } } const one = g(); one.next()
            exports.handler = event => { const r = event.n === 1 ? one.return(9) : (() => { try { one.throw(new Error('x')) } catch (e) { return e.message } })(); return [r, one.next(), log] }
            """),
        .js(
            "an exception with its stack",
            """
            let n = 0; function a(x) { return b(x) } function b(x) { n++; throw new RangeError('bad ' + n + ' ' + x) }
            exports.handler = event => a(event.n)
            """),
        .js(
            "exceptions caught, with causes and aggregates",
            """
            const kept = []; let deep = 0; const fail = d => { if (d) return fail(d - 1); throw new TypeError('deep', { cause: kept.length }) }
            exports.handler = event => { for (let i = 0; i < 50; i++) try { fail(i % 10) } catch (e) { kept.push(e); deep += e.stack.split('\\n').length } const a = new AggregateError([new Error('x')], 'all'); return [kept.length, kept[49].cause, deep, a.errors.length] }
            """, weight: 1),
        .js(
            "a thrown value that is not an error",
            """
            let n = 0
            exports.handler = event => { throw event.n === 1 ? { code: ++n, inner: [1, 2] } : 'text ' + ++n }
            """),
        .js(
            "an error with properties of its own",
            """
            let n = 0; class HttpError extends Error { name = 'HttpError'; constructor(s) { super(`status ${s}`); this.status = s; Error.captureStackTrace?.(this, HttpError) } }
            exports.handler = event => { Error.stackTraceLimit = 2 + n++; throw new HttpError(400 + n) }
            """),
        .js(
            "deep recursion",
            """
            let deepest = 0; const down = n => { deepest = Math.max(deepest, n); return n === 0 ? 0 : 1 + down(n - 1) }
            exports.handler = event => { const was = deepest; return [was, down(2000 * event.n)] }
            """, weight: 1),
        .js(
            "recursion without end",
            """
            let times = 0; const forEver = () => forEver() + 1
            exports.handler = event => { try { forEver() } catch (e) { times++; return [times, e.name, e.message] } }
            """, weight: 3),
        .js(
            "a structured clone of sorts",
            """
            const original = { a: [1, { b: new Date(0) }], m: new Map([[1, 2]]) }
            exports.handler = event => { const copy = JSON.parse(JSON.stringify(original)); original.a.push(event.n); original.m.set(event.n, 1); copy.a[1].b += '!'; return [copy, original.a.length, original.m.size, typeof structuredClone] }
            """),
        .js(
            "destructuring, defaults and spreads",
            """
            let calls = 0; const next = () => ++calls, f = ({ a = next(), ...rest } = {}, [b, , c = next()] = [1, 2], ...more) => ({ a, rest, b, c, more })
            exports.handler = event => [f(), f({ a: event.n, x: 1 }, [5, 6, 7], 8), { ...f(), calls }, [...'añ😀']]
            """),
        .js(
            "labels, switch, comma, with holes",
            """
            let n = 0; const sparse = [1, , 3]; sparse[20] = 1
            exports.handler = event => { outer: for (let i = 0; i < 5; i++) for (let j = 0; j < 5; j++) { if (j === 3) continue outer; if (i === 3) break outer; n += i * j } switch (event.n) { case 1: n++; default: n++ } sparse.length += event.n; delete sparse[0]; return [n, sparse.length, 0 in sparse, sparse.findIndex(x => x === 3), Object.keys(sparse)] }
            """),
        .js(
            "arrays: holes, sparse and huge",
            """
            const a = [1, 2, 3], huge = []
            exports.handler = event => { a[1000 * event.n] = 1; huge[4294967290] = event.n; huge[5] = 1; a.x = (a.x ?? 0) + 1; return [a.length, a.flat().length, huge.length, Object.keys(huge), a.x, a.indexOf(1, 5), new Array(5).length, Array.from({ length: 3 }, (_, i) => i * i)] }
            """),
        .js(
            "kinds of array storage",
            """
            const ints = [1, 2, 3], doubles = [1.5, 2.5], mixed = [1, 'a', {}]
            exports.handler = event => { const was = [ints.length, doubles.length]; for (let i = 0; i < 200; i++) { ints.push(i); doubles.push(i / 3) } ints.push(0.5); doubles.push('x'); mixed.push(ints); ints.shift(); ints.unshift(event.n, 9); ints.splice(5, 3, 'y'); return [was, ints.length, doubles.at(-1), mixed.length, ints.toSpliced(0, 200).length, ints.toReversed()[0], ints.copyWithin(0, 3)[0]] }
            """),
        .js(
            "sort with a comparator",
            """
            let compared = 0; const rows = Array.from({ length: 500 }, (_, i) => ({ k: (i * 7919) % 501, i }))
            exports.handler = event => { const before = rows[0].k; rows.sort((a, b) => (compared++, event.n === 1 ? a.k - b.k : b.k - a.k)); return [before, rows[0].k, rows[250].i, compared, rows.map(r => r.i).sort().slice(0, 5), Object.keys(Object.groupBy?.(rows, r => r.k % 2) ?? {})] }
            """, weight: 1),
        .js(
            "modules with state",
            """
            const lib = require('lib')
            exports.handler = event => { lib.values.push(event.n); lib.set(event.n); const other = require('other'); other.n++; return [lib.values, lib.get(), other.n, other.lib === lib, require('cycle-a').done] }
            """,
            dependencies: [
                "lib": "let s = 0; exports.values = []; exports.set = x => { s += x }; exports.get = () => s",
                "other": "exports.n = 0; exports.lib = require('lib'); exports.lib.values.push('loaded')",
                "cycle-a": "const b = require('cycle-b'); exports.done = [b.seen, b.n++]",
                "cycle-b": "exports.n = 0; exports.seen = typeof require('cycle-a').done",
            ]),
        .js(
            "a module that throws while it loads",
            """
            let tries = 0
            exports.handler = event => { tries++; try { require('bad') } catch (e) { return [tries, e.message, globalThis.badLoads] } }
            """,
            dependencies: [
                "bad":
                    "globalThis.badLoads = (globalThis.badLoads ?? 0) + 1; throw new Error('bad ' + globalThis.badLoads)"
            ]),
        .js(
            "accessors on the global object",
            """
            let reads = 0; Object.defineProperty(globalThis, 'magic', { get: () => ++reads, configurable: true })
            exports.handler = event => { const v = magic + magic; Object.defineProperty(globalThis, 'magic', { value: event.n }); return [v, magic, reads, delete globalThis.undefinedThing, Object.keys(globalThis).includes('later'), (globalThis.later = 1)] }
            """),
        .js(
            "arguments, this and bound functions",
            """
            let n = 0; function f() { n += arguments.length; arguments[0] = 9; return [typeof this, arguments[0], f.calls = (f.calls ?? 0) + 1] } const g = f.bind(null, 1)
            exports.handler = event => [f(event.n), g(2, 3), f.call('x'), new f instanceof f, n, g.name, f.length]
            """),
        .js(
            "the handler replaces itself",
            """
            let handler = event => { const was = exports.handler === first; exports.handler = handler = () => 'forged'; return [was, event.n] }; const first = handler; exports.handler = handler
            """),
        .js(
            "a context that is changed",
            """
            const seen = []
            exports.handler = (event, context) => { seen.push(Object.keys(context).length); const was = [context.x ?? null, event.y ?? null]; context.x = 1; event.y = 1; Object.getPrototypeOf(context).z = 1; return [was, seen, ({}).z === 1, context.functionName] }
            """),
    ]
}
