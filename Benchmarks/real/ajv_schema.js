// {"packages": ["ajv"]}
import Ajv from 'ajv';

const check = new Ajv().compile({
  type: 'object', required: ['name', 'lines'],
  properties: { name: { type: 'string' }, lines: { type: 'array', items: { type: 'object', properties: { n: { type: 'number', minimum: 0 } } } } },
});

export const handler = event => check({ name: event.name, lines: Array.from({ length: 100 }, (_, n) => ({ n })) });
