const { EventEmitter, once } = require('events');
async function handler() {
  const seen = [];
  class Mine extends EventEmitter {}
  const emitter = new Mine;
  emitter.on('a', (...values) => seen.push(values));
  emitter.once('a', () => seen.push('once'));
  emitter.emit('a', 1, 2);
  emitter.emit('a', 3);
  setTimeout(() => emitter.emit('late', 'x'), 1);
  let thrown;
  try { emitter.emit('error', new Error('bad')) } catch (error) { thrown = error.message }
  return [
    seen,
    await once(emitter, 'late'),
    thrown,
    emitter.listenerCount('a'),
    emitter.eventNames(),
    require('node:events') === EventEmitter,
  ];
}
