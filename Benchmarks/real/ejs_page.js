// {"packages": ["ejs"]}
import ejs from 'ejs';

const page = ejs.compile('<h1><%= name %></h1><% for (const row of rows) { %><p><%= row %></p><% } %>');

export const handler = event => page({ name: event.name, rows: Array.from({ length: 50 }, (_, n) => `row ${n}`) });
