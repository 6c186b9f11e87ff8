// {"packages": ["mustache"]}
import Mustache from 'mustache';

const page = '<h1>{{name}}</h1>{{#rows}}<p>{{.}}</p>{{/rows}}';

export const handler = event => Mustache.render(page, { name: event.name, rows: Array.from({ length: 50 }, (_, n) => `row ${n}`) });
