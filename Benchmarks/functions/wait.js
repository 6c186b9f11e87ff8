// Hello, after a timer of 100 ms.
async function handler(event) {
  await new Promise(resolve => setTimeout(resolve, 100));
  return { message: `Hello, ${event.name}!` };
}
