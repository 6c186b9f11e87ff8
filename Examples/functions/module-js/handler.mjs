import { greet } from 'greeter';

const punctuation = await Promise.resolve('!');

export async function handler(event) {
  const { shout } = await import('greeter');
  return { message: greet(event.name) + punctuation, loud: shout(event.name), from: import.meta.url };
}
