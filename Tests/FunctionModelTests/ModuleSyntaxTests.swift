import FunctionModel
import Testing

@Suite struct ModuleSyntaxTests {
    @Test(arguments: [
        "import x from 'y'", "import 'y'", "import { a } from 'y'", "import * as a from 'y'",
        "import\n  {a}\n  from 'y'", "import/* c */x from 'y'",
        "export const a = 1", "export default 1", "export { a }", "export * from 'x'", "export function f() {}",
        "export class A {}",
        "'use strict'; export default a", "// import\nexport default 1", "/* x */ import a from 'b'",
        "#!/usr/bin/env node\nimport a from 'b'",
        "const r = /['\"`]/; export { r }", "const a = b / c; export { a }", "const t = `${`}`}`; export { t }",
        "const x = { import: 1 }\nexport { x }",
        "function f() { return import.meta.url }", "if (a) { } /x'/.test(b); export default 1",
        "const s = 'a\\'b'; export default s",
        "import größe from 'y'", "[1, 2].map(x => { return x })\nexport default 1",
        "const r = /[/'\"]/g\nexport default r",
    ])
    func `A source with import or export declarations is a module`(source: String) {
        #expect(ModuleSyntax.isModule(source))
    }

    @Test(arguments: [
        "", "function handler() {}", "const x = import('y')", "import('y').then(x => x)", "exports.handler = 1",
        "module.exports.import = 1",
        "const s = 'import x from y'", "const s = \"export default 1\"", "const t = `\nimport x from 'y'\n`",
        "// import x from 'y'",
        "/*\nexport default 1\n*/",
        "const o = { export: 1, import: 2 }", "o.import", "o.export = 1", "importScripts('x')", "exportAll(1)",
        "const r = /export default 1/",
        "const t = `${ 'export default 1' } import x from 'y'`", "function f() { /* import a from 'b' */ }",
        "#!/usr/bin/env import\n1",
        "o?.import.meta", "class A { static import() {} }", "const a = b\n/ 1; 'export default 1'", "import", "export",
        "`${", "'", "/*", "/[", "\\",
    ])
    func `A source without them is a script`(source: String) {
        #expect(!ModuleSyntax.isModule(source))
    }
}
