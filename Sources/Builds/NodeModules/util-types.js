// Node's `util/types`: what a value is. The worker tells.
'use strict';

module.exports = __faas.util.types;
