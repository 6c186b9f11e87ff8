// Node's `async_hooks`: contexts that follow promises, timers and microtasks. The engine does not report when it goes on
// after an `await`, so a build that has this module turns `await` into calls of `then`. Where it cannot, the module is
// as one that is not available.
'use strict';

if (!__faas_follows_await) {
  module.exports = __faas.unavailable('async_hooks');
} else {
  // What each AsyncLocalStorage holds now. A map is never changed, only replaced.
  let current = new Map;
  __faas.onCall(() => { current = new Map; });

  const within = (context, callback, self, values) => {
    const outer = current;
    current = context;
    try { return Reflect.apply(callback, self, values); } finally { current = outer; }
  };
  const follow = callback => {
    if (typeof callback !== 'function') return callback;
    const context = current;
    return function (...values) { return within(context, callback, this, values); };
  };

  const then = Promise.prototype.then;
  Object.defineProperty(Promise.prototype, 'then', {
    value: function (onFulfilled, onRejected) { return Reflect.apply(then, this, [follow(onFulfilled), follow(onRejected)]); },
    writable: true, enumerable: false, configurable: true,
  });
  const followFirst = (object, name) => {
    const original = object[name];
    Object.defineProperty(object, name, {
      value: { [name](callback, ...values) { return Reflect.apply(original, this, [follow(callback), ...values]); } }[name],
      writable: true, enumerable: Object.prototype.propertyIsEnumerable.call(object, name), configurable: true,
    });
  };
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) followFirst(globalThis, name);
  followFirst(process, 'nextTick');

  class AsyncLocalStorage {
    static bind(callback) { return follow(callback); }
    static snapshot() {
      const context = current;
      return (callback, ...values) => within(context, callback, undefined, values);
    }
    #isDisabled = false;
    getStore() { return this.#isDisabled ? undefined : current.get(this); }
    #with(store) {
      this.#isDisabled = false;
      return new Map(current).set(this, store);
    }
    run(store, callback, ...values) { return within(this.#with(store), callback, undefined, values); }
    exit(callback, ...values) { return this.run(undefined, callback, ...values); }
    enterWith(store) { current = this.#with(store); }
    disable() { this.#isDisabled = true; }
  }

  let lastId = 1;
  class AsyncResource {
    static bind(callback, type, self) { return new AsyncResource(type ?? callback.name ?? 'bound').bind(callback, self); }
    #context = current;
    #id = ++lastId;
    constructor(type) { if (typeof type !== 'string') throw Object.assign(new TypeError('The "type" argument must be of type string.'), { code: 'ERR_INVALID_ARG_TYPE' }); }
    runInAsyncScope(callback, self, ...values) { return within(this.#context, callback, self, values); }
    bind(callback, self) {
      const resource = this;
      return function (...values) { return resource.runInAsyncScope(callback, self ?? this, ...values); };
    }
    emitDestroy() { return this; }
    asyncId() { return this.#id; }
    triggerAsyncId() { return 1; }
  }

  module.exports = {
    AsyncLocalStorage, AsyncResource,
    // Nothing reports the life of what is asynchronous: hooks are never called.
    createHook: () => ({ enable() { return this; }, disable() { return this; } }),
    executionAsyncId: () => 1, triggerAsyncId: () => 0, executionAsyncResource: () => ({}),
  };
}
