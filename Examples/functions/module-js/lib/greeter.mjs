export const greet = name => `Hello, ${name}`;
export const shout = name => greet(name).toUpperCase();
