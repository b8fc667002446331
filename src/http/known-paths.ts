/**
 * The paths of an app, to tell a wrong method (405) from an unknown endpoint (404): the router itself looks
 * at one method only. Asked for nothing but requests that matched no route, so a list will do.
 */
export class KnownPaths {
  readonly #patterns = new Map<string, RegExp>();

  /** Adds a route's URL, with `:name` for parameters. */
  add(url: string): void {
    if (this.#patterns.has(url)) return;
    const source = url
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : RegExp.escape(part)))
      .join('/');
    this.#patterns.set(url, new RegExp(`^${source}/?$`));
  }

  /** True when some method has a route at this URL (a query string does not matter). */
  has(url: string): boolean {
    const path = url.split('?', 1)[0] ?? url;
    for (const pattern of this.#patterns.values()) {
      if (pattern.test(path)) return true;
    }
    return false;
  }
}
