/**
 * A connection whose requests nobody reads any more, because they are no HTTP/1.1 or could be read in two ways:
 * its bytes are passed on as they are, and byte faults act on all of them.
 */
import type { Direction } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { SubjectInfo } from "../../pipeline/subject-info.js";
import type { Part, Passage } from "../../pipeline/flow.js";
import type { Guest } from "../../pipeline/party.js";
import type { Member } from "../upstream/pool.js";
import type { ByteFaults } from "./byte-faults.js";
import type { HttpHost } from "./host.js";
import type { StreamHit } from "./exchange.js";
import type { Link } from "./link.js";
import type { UpstreamSide } from "./upstream-side.js";

/** What it needs of its connection and of the connection's other parts, which is also what byte faults and pool know it as. */
export interface RelayHost extends SubjectInfo, Guest {
  readonly host: HttpHost;
  readonly byteFaults: ByteFaults;
  readonly link: Link | null;
  readonly upstream: UpstreamSide;
  up(bytes: Buffer, part: Part): void;
  flush(direction: Direction): void;
  readonly departure: {
    /** Bytes pass, so that the upstream can be told of the client's end. */
    tellUpstream(): void;
  };
}

export class Relay implements Passage {
  readonly #of: RelayHost;
  #member: Member | null = null;
  streams: readonly StreamHit[] = [];
  /** What came before there was an upstream for it. */
  #early: Buffer[] = [];
  /** Bytes pass. */
  open = false;

  constructor(of: RelayHost) {
    this.#of = of;
    for (const armed of of.host.streamFaults) this.hit(armed);
  }

  /** A byte fault is in force. */
  hit(armed: ArmedFault): void {
    const hit = this.#of.byteFaults.admit(this.#of, armed);
    if (hit === null) return;
    this.streams = [...this.streams, hit];
    if (this.open) this.#mark();
  }

  lose(removed: ReadonlySet<ArmedFault>): void {
    for (const { subject } of this.streams) if (removed.has(subject.armed)) subject.finished();
    this.streams = this.streams.filter(({ subject }) => !removed.has(subject.armed));
  }

  /** Keeps bytes until there is an upstream; nothing is read meanwhile, so a few reads are all there is. */
  keep(bytes: Buffer): void {
    this.#early.push(Buffer.from(bytes));
  }

  /** Both directions are bytes as soon as there is an upstream. Answers that are still to come are read first. */
  start(): void {
    const { upstream, link } = this.#of;
    const begin = (): void => {
      this.#begin();
    };
    if (upstream.isReady(link?.member ?? null)) begin();
    else upstream.whenReady(null, begin);
  }

  /** The upstream of a connection that has none yet; null if none is up. */
  choose(): Member | null {
    this.#member ??= this.#of.host.pool.choose(this.#of);
    return this.#member;
  }

  /** The same at once, on the connection that the answers come over. */
  join(): void {
    if (!this.open) this.#begin();
  }

  #begin(): void {
    const of = this.#of;
    if (of.link === null) return;
    if (of.link.awaited.length === 0) of.link.opaque = true;
    this.open = true;
    this.#mark();
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) of.up(bytes, "wire");
    of.flush("upstream");
    of.departure.tellUpstream();
  }

  #mark(): void {
    this.#of.byteFaults.begin(this, "upstream");
    this.#of.byteFaults.begin(this, "downstream");
  }

  /** The connection is over. */
  finished(): void {
    for (const { subject } of this.streams) subject.finished();
    if (this.#member !== null) this.#member.busy--;
  }
}
