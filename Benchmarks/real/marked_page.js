// {"packages": ["marked"]}
import { marked } from 'marked';

const text = '# Title\n\n' + Array.from({ length: 40 }, (_, n) => `* point **${n}** with \`code\` and [link](http://x/${n})`).join('\n');

export const handler = event => marked(text).length;
