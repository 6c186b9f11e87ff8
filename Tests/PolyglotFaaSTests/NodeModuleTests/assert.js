const assert = require('assert');
const caught = call => { try { call(); return 'fine' } catch (error) { return [error.name, error.code, error.message.split('\n')[0]] } };
async function handler() {
  await assert.rejects(Promise.reject(new TypeError('x')), TypeError);
  return [
    caught(() => assert(0, 'zero')),
    caught(() => assert.strictEqual(1, 1)),
    caught(() => assert.equal(1, 2)),
    caught(() => assert.deepStrictEqual({ a: [1] }, { a: [1] })),
    caught(() => assert.deepStrictEqual([1], ['1'])),
    caught(() => assert.deepEqual([1], ['1'])),
    caught(() => assert.throws(() => { throw new RangeError('out') }, /out/)),
    caught(() => assert.throws(() => {})),
    caught(() => assert.ok(true)),
    caught(() => assert.match('abc', /x/)),
    caught(() => require('assert/strict').equal(1, '1', 'strict')),
  ];
}
