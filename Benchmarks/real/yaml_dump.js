// {"packages": ["js-yaml"]}
import yaml from 'js-yaml';

export const handler = event => yaml.load(yaml.dump({ name: event.name, list: Array.from({ length: 60 }, (_, n) => ({ n, text: `t${n}` })) }));
