// Node's `assert`. The message of a comparison shows both values; Node's has a difference line by line.
'use strict';

const { inspect } = require('../util/index.js');
const { isDeepEqual, isDeepStrictEqual } = require('../comparisons.js');

class AssertionError extends Error {
  constructor(options) {
    if (options === null || typeof options !== 'object') throw wrongArgument('options', 'of type object', options);
    const { message, operator, actual, expected } = options;
    super(message ?? describe(operator, actual, expected));
    this.generatedMessage = message === undefined || message === null;
    Object.defineProperty(this, 'name', { value: 'AssertionError', configurable: true, writable: true });
    this.code = 'ERR_ASSERTION';
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
  }
  toString() { return `${this.name} [${this.code}]: ${this.message}`; }
}

const titles = {
  deepStrictEqual: 'Expected values to be strictly deep-equal:', strictEqual: 'Expected values to be strictly equal:',
  deepEqual: 'Expected values to be loosely deep-equal:', equal: 'Expected values to be loosely equal:',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:', notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:', notEqual: 'Expected "actual" to be loosely unequal to:',
};
const show = value => inspect(value, { depth: 1000, maxArrayLength: Infinity, sorted: true, compact: 3 });
const describe = (operator, actual, expected) => {
  switch (operator) {
    case 'equal': case '==': return `${inspect(actual)} == ${inspect(expected)}`;
    case 'notEqual': case '!=': return `${inspect(actual)} != ${inspect(expected)}`;
    case 'strictEqual': case 'deepStrictEqual': case 'deepEqual': {
      const left = show(actual), right = show(expected);
      if (operator === 'deepEqual') return `${titles[operator]}\n\n${left}\n\nshould loosely deep-equal\n\n${right}`;
      return `${titles[operator]}\n\n${left} !== ${right}\n`;
    }
    case 'notStrictEqual': case 'notDeepStrictEqual': case 'notDeepEqual': return `${titles[operator]} ${show(expected)}`;
    default: return 'Failed';
  }
};

const withCode = (error, code) => Object.assign(error, { code });
const wrongArgument = (name, expected, value) =>
  withCode(new TypeError(`The "${name}" argument must be ${expected}. Received ${value === null || value === undefined ? value : `type ${typeof value} (${inspect(value)})`}`), 'ERR_INVALID_ARG_TYPE');

const fail = (actual, expected, message, operator, generated) => {
  if (message instanceof Error) throw message;
  const error = new AssertionError({ message: message ?? generated, actual, expected, operator });
  error.generatedMessage = message === undefined || message === null;
  throw error;
};
const needsTwo = values => {
  if (values.length < 2) throw withCode(new TypeError('The "actual" and "expected" arguments must be specified'), 'ERR_MISSING_ARGS');
};

const check = (values, message) => {
  const value = values[0];
  if (value) return;
  if (message === undefined && values.length === 0) message = 'No value argument passed to `assert.ok()`';
  if (message instanceof Error) throw message;
  const isGenerated = message === undefined || message === null || values.length === 0;
  const error = new AssertionError({ message: message ?? 'The expression evaluated to a falsy value', actual: value, expected: true, operator: '==' });
  error.generatedMessage = isGenerated;
  throw error;
};
function ok(...values) { check(values, values[1]); }
function assert(...values) { check(values, values[1]); }

const comparison = (operator, holds) => ({
  [operator](...values) {
    needsTwo(values);
    const [actual, expected, message] = values;
    if (!holds(actual, expected)) fail(actual, expected, message, operator);
  },
})[operator];
const looselyEqual = (a, b) => a == b || a !== a && b !== b;

// Whether an error is what was asked for: a class, a pattern, a function that judges, or an object whose properties it
// must have.
const checkError = (error, expected, message, operator) => {
  if (expected === undefined) return;
  if (typeof expected === 'function') {
    if (expected.prototype !== undefined && error instanceof expected) return;
    if (Object.prototype.isPrototypeOf.call(Error, expected)) {
      fail(error, expected, message, operator, `The error is expected to be an instance of "${expected.name}". Received "${error?.constructor?.name ?? inspect(error)}"\n\nError message:\n\n${error?.message}`);
    }
    if (Reflect.apply(expected, {}, [error]) === true) return;
    fail(error, expected, message, operator, `The ${expected.name === '' ? '' : `"${expected.name}" `}validation function is expected to return "true". Received ${inspect(Reflect.apply(expected, {}, [error]))}\n\nCaught error:\n\n${error}`);
  }
  if (expected instanceof RegExp) {
    if (expected.test(String(error))) return;
    fail(error, expected, message, operator, `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(String(error))}\n`);
  }
  if (typeof expected !== 'object' || expected === null) throw wrongArgument('expected', 'of type function or an instance of Error, RegExp, or Object', expected);
  const keys = Object.keys(expected).filter(key => !(expected instanceof Error && ['line', 'column', 'sourceURL'].includes(key)));
  if (expected instanceof Error) keys.push('name', 'message');
  for (const key of keys) {
    const isMatch = typeof error?.[key] === 'string' && expected[key] instanceof RegExp ? expected[key].test(error[key]) : isDeepStrictEqual(error?.[key], expected[key]);
    if (!isMatch) fail(error, expected, message, operator, `Expected values to be strictly deep-equal:\n\n${show({ [key]: error?.[key] })} !== ${show({ [key]: expected[key] })}\n`);
  }
};

const split = (expected, message) => typeof expected === 'string' ? [undefined, expected] : [expected, message];
const expectError = (outcome, expected, message, operator) => {
  [expected, message] = split(expected, message);
  if (outcome === undefined) {
    const kind = operator === 'rejects' ? 'rejection' : 'exception';
    const name = expected?.name ? ` (${expected.name})` : '';
    fail(undefined, expected, message instanceof Error ? message : `Missing expected ${kind}${name}${message === undefined ? '.' : `: ${message}`}`, operator);
  }
  checkError(outcome.error, expected, message, operator);
};
const expectNone = (outcome, expected, message, operator) => {
  if (outcome === undefined) return;
  [expected, message] = split(expected, message);
  if (typeof expected === 'function' && !(outcome.error instanceof expected)) throw outcome.error;
  const kind = operator === 'doesNotReject' ? 'rejection' : 'exception';
  fail(outcome.error, expected, `Got unwanted ${kind}${message === undefined ? '.' : `: ${message}`}\nActual message: "${outcome.error?.message}"`, operator);
};
const run = call => {
  if (typeof call !== 'function') throw wrongArgument('fn', 'of type function', call);
  try { call(); } catch (error) { return { error }; }
};
const wait = async promise => {
  const pending = typeof promise === 'function' ? promise() : promise;
  if (typeof pending?.then !== 'function') throw wrongArgument('promiseFn', 'of type function or an instance of Promise', promise);
  try { await pending; } catch (error) { return { error }; }
};

const matching = (operator, wanted) => (text, expression, message) => {
  if (!(expression instanceof RegExp)) throw wrongArgument('regexp', 'an instance of RegExp', expression);
  if (typeof text === 'string' && (expression.exec(text) !== null) === wanted) return;
  fail(text, expression, message, operator, typeof text !== 'string' ? `The "string" argument must be of type string. Received type ${typeof text} (${inspect(text)})`
    : `The input ${wanted ? 'did not match' : 'was expected to not match'} the regular expression ${inspect(expression)}. Input:\n\n${inspect(text)}\n`);
};

Object.assign(assert, {
  AssertionError, ok,
  fail(message = 'Failed') {
    if (message instanceof Error) throw message;
    const error = new AssertionError({ message, operator: 'fail' });
    error.generatedMessage = arguments.length === 0;
    throw error;
  },
  equal: comparison('==', looselyEqual), notEqual: comparison('!=', (a, b) => !looselyEqual(a, b)),
  strictEqual: comparison('strictEqual', Object.is), notStrictEqual: comparison('notStrictEqual', (a, b) => !Object.is(a, b)),
  deepEqual: comparison('deepEqual', isDeepEqual), notDeepEqual: comparison('notDeepEqual', (a, b) => !isDeepEqual(a, b)),
  deepStrictEqual: comparison('deepStrictEqual', isDeepStrictEqual), notDeepStrictEqual: comparison('notDeepStrictEqual', (a, b) => !isDeepStrictEqual(a, b)),
  throws(call, expected, message) { expectError(run(call), expected, message, 'throws'); },
  doesNotThrow(call, expected, message) { expectNone(run(call), expected, message, 'doesNotThrow'); },
  async rejects(promise, expected, message) { expectError(await wait(promise), expected, message, 'rejects'); },
  async doesNotReject(promise, expected, message) { expectNone(await wait(promise), expected, message, 'doesNotReject'); },
  ifError(value) {
    if (value === null || value === undefined) return;
    const shown = typeof value === 'object' && typeof value.message === 'string' ? value.message || value.constructor?.name : inspect(value);
    const error = new AssertionError({ message: `ifError got unwanted exception: ${shown}`, actual: value, expected: null, operator: 'ifError' });
    error.generatedMessage = false;
    throw error;
  },
  match: matching('match', true), doesNotMatch: matching('doesNotMatch', false),
});

function strict(...values) { check(values, values[1]); }
assert.strict = Object.assign(strict, assert, {
  equal: assert.strictEqual, notEqual: assert.notStrictEqual, deepEqual: assert.deepStrictEqual, notDeepEqual: assert.notDeepStrictEqual,
});
assert.strict.strict = assert.strict;
module.exports = assert;
