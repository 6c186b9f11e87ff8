// {"packages": ["moment"]}
import moment from 'moment';

export const handler = event =>
  Array.from({ length: 30 }, (_, n) => moment.utc('2026-11-28').add(n, 'weeks').endOf('month').format('dddd, D MMM YYYY'));
