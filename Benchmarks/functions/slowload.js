// Hello, whose load takes 200 ms.
const loaded = Date.now();
let turns = 0;
while (Date.now() - loaded < 200) turns++;

function handler(event) {
  return { message: `Hello, ${event.name}!` };
}
