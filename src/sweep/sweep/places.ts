/** Where an exchange belongs, by the sites of the fault-free runs: for the oracles. */
import type { SeenExchange } from "../contract/record.js";
import type { Place, PlaceOf } from "../oracles/calls.js";
import type { HttpCalls } from "../sites/http.js";

export function placesOf(calls: HttpCalls): PlaceOf {
  const known = new WeakMap<SeenExchange, Place>();
  return (exchange) => {
    let place = known.get(exchange);
    if (place === undefined) {
      const template = calls.templateOf(exchange);
      const operation = calls.operationOf(exchange);
      place = {
        site: calls.siteOf(exchange),
        name: `${exchange.method} ${template}${operation === null ? "" : ` ${operation}`}`,
        about: valuesOf(template, exchange.path),
      };
      known.set(exchange, place);
    }
    return place;
  };
}

/** What stands where the template has a whole segment that varies. */
function valuesOf(template: string, path: string): string[] {
  const segments = path.split("/");
  return template.split("/").flatMap((part, index) => (part.startsWith(":") ? [segments[index] ?? ""] : []));
}
