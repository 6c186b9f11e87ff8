// A dependency may require the others.
const { exclaim } = require('punctuation');

exports.greet = name => exclaim(`Hello, ${name}`);
