// {"packages": []}
type Route<T> = { method: string; pattern: RegExp; run: (parameters: Record<string, string>) => T };

class Router<T> {
  private routes: Route<T>[] = [];

  add(method: string, path: string, run: Route<T>['run']): this {
    this.routes.push({ method, pattern: new RegExp('^' + path.replace(/:(\w+)/g, '(?<$1>[^/]+)') + '$'), run });
    return this;
  }

  answer(method: string, path: string): T | undefined {
    for (const route of this.routes) {
      const found = route.method === method && route.pattern.exec(path);
      if (found) return route.run({ ...found.groups });
    }
    return undefined;
  }
}

const router = new Router<{ status: number; body: unknown }>();
for (let n = 0; n < 40; n++) router.add('GET', `/v${n}/items/:item`, ({ item }) => ({ status: 200, body: { n, item } }));

export const handler = (event: { name: string }) => router.answer('GET', `/v39/items/${event.name}`);
