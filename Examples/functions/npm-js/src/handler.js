import { countWords } from 'word-count';
import { separator } from './separator.js';

export function handler(event) {
  return countWords(event.text, separator);
}
