/** What a connection needs of its proxy. */
import type { Millis } from "../../core/clock.js";
import type { Owner } from "../../core/containment.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Guest } from "../../pipeline/party.js";
import type { Connection, ConnectionHost } from "../connection.js";
import type { Dialling } from "../upstream/dial.js";
import type { Member, Pool } from "../upstream/pool.js";
import type { Reached, Waits } from "../upstream/reach.js";
import type { Take } from "../upstream/reader.js";
import type { Exchange } from "./exchange.js";
import type { Identify } from "./identify.js";
import type { CodecLimits } from "./limits.js";
import type { Link } from "./link.js";
import type { Naming } from "./naming.js";
import type { Sites } from "./sites.js";
import type { HttpProxySpec } from "./spec.js";
import type { ExchangeTally } from "./tally.js";

/** What a connection needs of its proxy. */
export interface HttpHost extends ConnectionHost {
  readonly name: string;
  readonly spec: HttpProxySpec;
  readonly limits: CodecLimits;
  readonly identify: Identify;
  readonly tally: ExchangeTally;
  readonly naming: Naming | null;
  readonly sites: Sites;
  /** False once it has been stopped. */
  readonly enabled: boolean;
  /** The faults in force whose subjects are exchanges, in order: of the exchange seam, and those of bytes. */
  readonly exchangeFaults: readonly ArmedFault[];
  readonly streamFaults: readonly ArmedFault[];
  nextExchange(): number;
  readonly pool: Pool;
  reach(
    member: Member,
    guest: Guest,
    take: Take,
    done: (result: Reached) => void,
    owner: Owner,
    waits?: Waits | null,
  ): Dialling;
  /** The answers that are still to come go to nobody. `over` is called once, when they have come or never will. */
  adopt(link: Link, over: () => void): void;
  /** Runs after that time, or when the proxy stops. */
  later(wait: Millis, run: () => void): void;
  /** Sends a request again, on a connection of its own. */
  sendCopy(exchange: Exchange, bytes: Buffer): void;
  /** What an exchange came to, for metrics and journal. */
  exchangeOver(exchange: Exchange, millis: number): void;
  /** From here on its bytes are passed on unread. `exchange` is the one that agreed on it; null if it began so. */
  opaque(connection: Connection, protocol: string, exchange: Exchange | null): void;
}
