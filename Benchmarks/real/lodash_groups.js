// {"packages": ["lodash"]}
import _ from 'lodash';

const rows = Array.from({ length: 300 }, (_, n) => ({ group: n % 7, value: n }));

export const handler = event =>
  ({ name: event.name, sums: _.mapValues(_.groupBy(rows, 'group'), group => _.sumBy(group, 'value')) });
