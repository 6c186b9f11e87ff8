// {"packages": ["nunjucks"]}
import nunjucks from 'nunjucks/browser/nunjucks.js';

const page = new nunjucks.Template('<h1>{{ name }}</h1>{% for row in rows %}<p>{{ row | upper }}</p>{% endfor %}', new nunjucks.Environment([], { autoescape: true }), 'page', true);

export const handler = event => page.render({ name: event.name, rows: Array.from({ length: 50 }, (_, n) => `row ${n}`) });
