const util = require('util');
async function handler() {
  const wait = util.promisify((a, b, done) => setTimeout(done, 1, null, a + b));
  const fail = util.promisify(done => done(new TypeError('no')));
  function A() {}
  function B() {}
  util.inherits(A, B);
  const called = await new Promise(resolve => util.callbackify(async x => x * 2)(21, (error, value) => resolve([error, value])));
  return [
    await wait(1, 2),
    await fail().catch(error => error.message),
    new A instanceof B,
    A.super_ === B,
    called,
    util.isDeepStrictEqual({ a: [new Set([1])] }, { a: [new Set([1])] }),
    util.types.isDate(new Date),
    util.types.isRegExp({}),
    await util.promisify(setTimeout)(1, 'late'),
  ];
}
