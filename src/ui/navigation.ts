/** The browser's history: links of the page change the view without loading it anew, and back and forward work. */
import { placeOf, type Place } from "./router.js";

export class Navigation {
  #place: Place;
  readonly #changed: (place: Place) => void;

  constructor(changed: (place: Place) => void) {
    this.#changed = changed;
    this.#place = placeOf(location.pathname, location.search);
    addEventListener("popstate", () => {
      this.#arrive();
    });
    document.addEventListener("click", (event) => {
      this.#follow(event);
    });
  }

  get place(): Place {
    return this.#place;
  }

  go(path: string): void {
    history.pushState(null, "", path);
    this.#arrive();
    scrollTo(0, 0);
  }

  /** The same view under another address, such as with another filter: the address before is not kept, and the view stays. */
  replace(path: string): void {
    history.replaceState(null, "", path);
    this.#place = placeOf(location.pathname, location.search);
  }

  #arrive(): void {
    this.#place = placeOf(location.pathname, location.search);
    this.#changed(this.#place);
  }

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || link.target !== "" || link.hasAttribute("download")) return;
    const { origin, pathname, search } = new URL(link.href);
    if (origin !== location.origin || placeOf(pathname, search).view === null) return;
    event.preventDefault();
    this.go(`${pathname}${search}`);
  }
}
