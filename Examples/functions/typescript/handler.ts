import { total, type Item } from './lib/prices';

interface Event {
  items?: Item[];
}

export function handler(event: Event): { total: number } {
  return { total: total(event.items!) };
}
