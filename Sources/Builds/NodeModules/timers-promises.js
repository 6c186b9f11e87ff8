// Node's `timers/promises`.
'use strict';

const aborted = signal => Object.assign(new Error('The operation was aborted', { cause: signal.reason }), { name: 'AbortError', code: 'ABORT_ERR' });

// Starts a timer, and promises its end or the signal's.
const wait = (start, clear, value, signal) => new Promise((resolve, reject) => {
  if (signal?.aborted) return reject(aborted(signal));
  const cancel = () => {
    clear(timer);
    reject(aborted(signal));
  };
  const timer = start(() => {
    signal?.removeEventListener('abort', cancel);
    resolve(value);
  });
  signal?.addEventListener('abort', cancel, { once: true });
});

const setTimeout = (delay, value, options) => wait(done => globalThis.setTimeout(done, delay), clearTimeout, value, options?.signal);

async function* setInterval(delay, value, options) {
  for (;;) yield await setTimeout(delay, value, options);
}

module.exports = {
  setTimeout,
  setImmediate: (value, options) => wait(done => globalThis.setImmediate(done), clearImmediate, value, options?.signal),
  setInterval,
  scheduler: { wait: (delay, options) => setTimeout(delay, undefined, options), yield: () => module.exports.setImmediate() },
};
