/// Text, regular expressions, numbers, dates, Intl.
extension Handler {
    static let jsText: [Handler] = [
        .js(
            "a sticky regular expression at top level",
            """
            const r = /\\d+/y, g = /[a-z]/g; let n = 0
            exports.handler = event => { r.lastIndex = r.lastIndex || 0; const a = r.exec('123 456')?.[0]; return [a, r.lastIndex, g.exec('abc')[0], g.lastIndex, g.test('abc'), ++n] }
            """),
        .js(
            "regular expressions of many kinds",
            """
            const kept = []
            exports.handler = event => { const r = new RegExp(`(?<y>\\\\d{${event.n}})-(?<m>\\\\d+)`, 'u'); kept.push(r); return [kept.length, '12-34'.match(r)?.groups?.y ?? null, 'a1b2'.replace(/\\d/g, d => d * 2), [...'x1y2'.matchAll(/[a-z](\\d)/g)].map(m => m[1]), 'ß'.match(/\\p{L}/u)[0], 'ab'.replace(/(?<=a)b/, '!'), /(a+)+$/.test('aaaaaaaaaaaaaaaaaaab')] }
            """),
        .js(
            "the last match",
            """
            exports.handler = event => { const was = [RegExp.$1, RegExp.lastMatch, RegExp.leftContext]; /(b)(c)?/.exec('a'.repeat(event.n) + 'bcd'); return [was, RegExp.$1, RegExp.$2, RegExp["$'"]] }
            """),
        .js(
            "a regular expression hot enough to compile",
            """
            const words = /\\b(\\w+)ing\\b/gi; let total = 0; const text = 'singing and ringing things while bringing nothing but a king '.repeat(40)
            exports.handler = event => { for (let i = 0; i < 20; i++) for (const m of text.matchAll(words)) total += m[1].length; words.lastIndex = event.n; return [total, text.split(/\\s+/).length] }
            """, weight: 2),
        .js(
            "string ropes",
            """
            let text = 'start'
            exports.handler = event => { for (let i = 0; i < 5000; i++) text += String.fromCharCode(97 + i % 26); const half = text.slice(5, 2000) + text; return [text.length, half.length, half.charCodeAt(3000), half.indexOf('xyz', 1000), text.at(-1)] }
            """, weight: 1),
        .js(
            "a string of 10 MB",
            """
            let kept = ''
            exports.handler = event => { kept += 'ab'.repeat(5 << 20); return [kept.length, kept.charCodeAt(9999), kept.lastIndexOf('ba')] }
            """, weight: 4),
        .js(
            "text functions",
            """
            const seen = {}
            exports.handler = event => { for (const w of 'the quick the lazy the dog'.split(' ')) seen[w] = (seen[w] ?? 0) + 1; return [seen, 'abc'.padStart(6, '*'), 'ÄÖ'.toLowerCase(), 'e\\u0301'.normalize('NFC').length, 'a-b-c'.replaceAll('-', '+'), '😀'.codePointAt(0), escape('ä'), encodeURIComponent('ä/ö'), 'x'.localeCompare('y'), '\\ud800'.isWellFormed?.()] }
            """),
        .js(
            "tagged templates and their cache",
            """
            const sites = new Set; const tag = (s, ...v) => { sites.add(s); s.count = 1; return s.raw.join('|') + v.join(',') }, tag2 = s => { sites.add(s); return s }
            const once = n => tag2`fixed ${n}`
            exports.handler = event => { const same = once(1) === once(2); return [tag`a\\n${event.n}b`, same, sites.size, String.raw`\\u${1}`, Object.isFrozen(once(3))] }
            """),
        .js(
            "atoms made from text",
            """
            const table = {}
            exports.handler = event => { for (let i = 0; i < 1000; i++) table['na' + 'me' + i * event.n] = i; const k = ['l', 'ength'].join(''); return [Object.keys(table).length, [1, 2][k], 'na' + 'me5' in table] }
            """),
        .js(
            "a large JSON document",
            """
            const seen = []
            exports.handler = event => { const text = JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ id: i, name: `item ${i}`, tags: ['a', 'b'], x: i / 7 }))); const back = JSON.parse(text, (k, v) => k === 'id' ? v + 1 : v); seen.push(text.length); return [seen, back.reduce((a, o) => a + o.id, 0), JSON.stringify(back[3], null, 2), JSON.stringify({ a: undefined, b: () => 1, c: NaN })] }
            """, weight: 3),
        .js(
            "an event of 300 KB",
            """
            let total = 0
            exports.handler = event => { total += event.text.length; return [total, event.text.slice(0, 3), event.text.split('x').length] }
            """, events: [#"{"text":"\#(String(repeating: "xyz", count: 100_000))"}"#, #"{"text":"short"}"#], weight: 2),
        .js(
            "an answer of 400 KB",
            "const rows = []; exports.handler = event => { rows.push(event.n); return { rows, text: 'ab'.repeat(200000) } }",
            weight: 2),
        .js(
            "an answer of every kind",
            """
            let n = 0
            exports.handler = event => ({ n: ++n, m: new Map([[1, { a: 2 }]]), s: new Set([1]), d: new Date(0), b: new Uint8Array([1, 2, 255]), u: undefined, nan: NaN, big: 2n ** 70n, e: new Error('x').message, t: '\\ud800\\u2028', z: -0, toJSON: undefined })
            """),
        .js(
            "BigInt",
            """
            let f = 1n
            exports.handler = event => { for (let i = 1n; i < 200n; i++) f *= i + BigInt(event.n); return [String(f).slice(0, 30), BigInt.asIntN(64, f).toString(), (-7n / 2n).toString(), (2n ** 100n).toString(16), f > 10n, typeof f] }
            """),
        .js(
            "numbers at the edges",
            """
            const seen = []
            exports.handler = event => { seen.push(0.1 + event.n); return [seen, (255).toString(36), (0.000001234).toExponential(2), (1234.5678).toFixed(2), parseFloat('1e-7'), Number('0x1f'), Math.fround(5.05), Math.clz32(1), Math.hypot(3, 4), 0xffffffff | 0, -1 >>> 0, Number.EPSILON > 0, isNaN('x')] }
            """),
        .js(
            "Math.random",
            "exports.handler = event => [Math.random(), Math.random(), Array.from({ length: 4 }, Math.random)]",
            answers: .different),
        .js(
            "Math.random, used while loading too",
            "const first = Math.random(); exports.handler = event => first === Math.random() ? 'same' : Math.random()",
            answers: .different),
        .js(
            "Date",
            """
            const kept = new Date(Date.UTC(2024, 1, 29, 12)); const RealDate = Date
            exports.handler = event => { const was = kept.toISOString(); kept.setDate(kept.getDate() + event.n); const now = Date.now() > 1.6e12; Date.now = () => 0; return [was, kept.toISOString(), now, Date.now(), new Date('2024-06-01').getTimezoneOffset(), Date.parse('2020-01-01T00:00:00Z'), new Date(NaN).getTime(), RealDate.UTC(2000, 0)] }
            """),
        .js(
            "Date and the local zone",
            """
            let n = 0
            exports.handler = event => [++n, new Date(86400000 * event.n).toString(), new Date(2024, 5, 1).toLocaleDateString('en-US'), new Date(0).toLocaleTimeString('en-GB', { timeZone: 'Asia/Tokyo' })]
            """, weight: 1),
        .js(
            "Intl.NumberFormat",
            """
            const f = new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' }); const made = []
            exports.handler = event => { made.push(new Intl.NumberFormat(['en-IN', 'fr', 'ja'][event.n], { notation: 'compact' })); return [f.format(1234567.891), made.map(m => m.format(1234567)), made.length, (0.256).toLocaleString('en', { style: 'percent' }), new Intl.NumberFormat('ar-EG').format(123)] }
            """, weight: 2),
        .js(
            "Intl.DateTimeFormat",
            """
            let n = 0
            exports.handler = event => { const f = new Intl.DateTimeFormat(event.n === 1 ? 'en-US' : 'de', { dateStyle: 'full', timeStyle: 'long', timeZone: 'America/New_York' }); return [++n, f.format(0), f.formatToParts(1e12).length, f.resolvedOptions().calendar] }
            """, weight: 2),
        .js(
            "Intl.Collator, PluralRules, ListFormat",
            """
            const c = new Intl.Collator('sv'); const kept = new Map
            exports.handler = event => { kept.set(event.n + kept.size, new Intl.PluralRules('ar')); return [['z', 'ä', 'a'].sort(c.compare), kept.size, [...kept.values()].map(p => p.select(event.n)), new Intl.ListFormat('en').format(['a', 'b', 'c']), new Intl.RelativeTimeFormat('fr').format(-event.n, 'day')] }
            """, weight: 2),
        .js(
            "Intl.Segmenter, DisplayNames, Locale",
            """
            let it; const s = new Intl.Segmenter('en', { granularity: 'word' }); const segments = s.segment('one two three')[Symbol.iterator]()
            exports.handler = event => [segments.next().value.segment, segments.next().value.segment, new Intl.DisplayNames('en', { type: 'region' }).of('DE'), new Intl.Locale('zh-Hant-TW').maximize().toString(), [...new Intl.Segmenter().segment('👨‍👩‍👧e\\u0301')].length, Intl.getCanonicalLocales('EN-us')]
            """, weight: 2),
        .js(
            "what it prints",
            """
            let lines = 0
            exports.handler = event => { console.log('line', ++lines, { a: [1, { b: 2 }] }); console.error('error %s %d', 'x', 5); console.count(); console.count('y'); console.group('g'); console.warn('in', new Map([[1, 2]])); console.groupEnd(); console.table([1]); console.assert(false, 'no'); console.count(); return lines }
            """),
        .js(
            "console left in a group",
            "let n = 0; exports.handler = event => { console.log('at', ++n); console.group(); console.count('c'); console.time('t'); console.log('inner'); return n }"
        ),
        .js(
            "eval and new Function",
            """
            let n = 0; var v = 0
            exports.handler = event => { const f = new Function('x', `return x * ${event.n}`); eval('n += 5; var made = n'); (0, eval)('var globalMade = (globalThis.globalMade ?? 0) + 1; v++'); return [f(21), n, globalMade, v, typeof made, eval('(() => { let a = 1; return a + event.n })()')] }
            """),
        .js(
            "many functions made from text",
            """
            const made = []
            exports.handler = event => { for (let i = 0; i < 100; i++) made.push(new Function('a', `return a + ${i * event.n}`)); return [made.length, made.reduce((s, f) => s + f(1), 0), made[3].toString().length] }
            """, weight: 3),
    ]
}
