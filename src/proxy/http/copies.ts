/** Requests that faults want sent again: on the connection that they went over themselves, or on one of their own. */
import type { Part } from "../../pipeline/flow.js";
import type { Direction } from "../../faults/contract/index.js";
import type { HttpHost } from "./host.js";
import type { Exchange } from "./exchange.js";
import type { Link } from "./link.js";
import type { RequestSide } from "./request-side.js";
import { askedBy } from "./response-reader.js";

/** What they need of the connection. */
export interface CopyingHost {
  readonly host: HttpHost;
  readonly ended: boolean;
  readonly link: Link | null;
  readonly requests: RequestSide;
  up(bytes: Buffer, part: Part): void;
  flush(direction: Direction): void;
  guarded(run: () => void): void;
}

/** All of the request has been read and sent. */
export function sendCopies(exchange: Exchange, of: CopyingHost): void {
  const bytes = of.requests.takeCopy();
  if (bytes === null) return;
  const { host } = of;
  const { budget } = host.context;
  let left = exchange.dispatches.reduce((sum, { copies }) => sum + copies, 0);
  if (left > 0) budget.add(bytes.length);
  for (const dispatch of exchange.dispatches) {
    for (let copy = 1; copy <= dispatch.copies; copy++) {
      exchange.pending++;
      host.later(copy * dispatch.gap, () => {
        if (--left === 0) budget.add(-bytes.length);
        of.guarded(() => {
          if (host.enabled && exchange.faults?.wants(dispatch, host.exchangeFaults) === true) {
            dispatch.copied?.();
            if (dispatch.connection === "another" || !copyHere(exchange, bytes, of))
              host.sendCopy(exchange, bytes);
          }
          exchange.settled();
        });
      });
    }
  }
}

/** On the connection that it went over itself, if that can be done between two messages. */
function copyHere(exchange: Exchange, bytes: Buffer, of: CopyingHost): boolean {
  const { link } = of;
  if (of.ended || link === null || link.over || link.opaque || of.requests.receiving !== null) return false;
  link.expect(exchange, askedBy(exchange.head), true);
  if (exchange.sight !== null) exchange.sight.copies++;
  of.host.tally.upstreamSent();
  of.up(bytes, "wire");
  of.flush("upstream");
  return true;
}
