/** What an answer says of the faults that acted on it, where its proxy is told to: who they were, and which exchange it is. */
import type { FieldList } from "../../faults/contract/index.js";
import type { Exchange } from "./exchange.js";

const NOTHING: FieldList = [];

/** Nothing of one that no fault acts on: it is passed as it came. `proxy` is its name, or null where answers say nothing. */
export function markedFields(exchange: Exchange, proxy: string | null): FieldList {
  if (proxy === null) return NOTHING;
  const { marks } = exchange;
  if (marks.length === 0) return NOTHING;
  return [
    ["x-squall-fault", marks.join(", ")],
    // As in `GET /exchanges/{proxy}/{id}`, and behind `/ui/exchanges/` the page that says why.
    ["x-squall-exchange", `${encodeURIComponent(proxy)}/${exchange.id}`],
  ];
}
