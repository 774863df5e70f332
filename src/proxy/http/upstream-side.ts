/**
 * The upstream connection of a client's HTTP connection: dialled when the first request needs it, replaced when it is
 * of no more use, and let go where its work is to go on without the client.
 */
import type { Socket } from "node:net";
import type { ConnectionFailure } from "../../core/events.js";
import type { Direction } from "../../faults/contract/index.js";
import type { Guest } from "../../pipeline/party.js";
import type { Pump } from "../../pipeline/pump.js";
import { takeFromUpstream } from "../socket-owner.js";
import type { DialFailure, Dialling } from "../upstream/dial.js";
import type { Take } from "../upstream/reader.js";
import type { Member } from "../upstream/pool.js";
import type { Reached } from "../upstream/reach.js";
import type { Intercepted } from "../upstream/intercepted.js";
import type { Exchange } from "./exchange.js";
import type { CodecLimits } from "./limits.js";
import { Link } from "./link.js";
import { ResponseSide, type Answering } from "./response-side.js";

/** What it needs of its connection, and of the connection's other parts. */
export interface UpstreamHost {
  readonly book: {
    /** The one to be answered next. */
    readonly first: Exchange | undefined;
  };
  readonly foreign: {
    /** The upstream of a connection whose exchanges nobody knows; null if none is up. */
    choose(): Member | null;
  };
  readonly failures: {
    /** Nobody is there for whoever waits. */
    notReached(waiting: Exchange | null, failure: DialFailure | Intercepted): void;
  };
  readonly departure: {
    /** A connection to an upstream is of no more use; if there is no other, a client that has ended its side has nothing to wait for. */
    tellUpstreamSoon(): void;
  };
  readonly limits: CodecLimits;
  readonly ended: boolean;
  readonly atGate: boolean;
  readonly upPump: Pump | null;
  /** For whom; the connection itself if for no exchange. */
  reach(member: Member, guest: Guest | null, take: Take, done: (result: Reached) => void): Dialling;
  /** The socket ends with the connection from now on, or does not any more. */
  attach(socket: Socket): void;
  detached(): void;
  adopt(link: Link, over: () => void): void;
  /** The faults have been asked, and let it be used. */
  connected(then: () => void): void;
  regulateLink(): void;
  flush(direction: Direction): void;
  guarded(run: () => void): void;
}

const NOTHING: readonly never[] = [];

interface Waiting {
  /** null for a connection that is to be relayed. */
  readonly exchange: Exchange | null;
  readonly then: () => void;
}

export class UpstreamSide {
  readonly #host: UpstreamHost;
  readonly #answering: Answering;
  #link: Link | null = null;
  /** Connections to other upstreams of the pool, for when they are chosen again; null while there has been none. */
  #parked: Map<Member, Link> | null = null;
  #responses: ResponseSide | null = null;
  #dialling: Dialling | null = null;
  #waiting: Waiting | null = null;

  constructor(host: UpstreamHost, answering: Answering) {
    this.#host = host;
    this.#answering = answering;
  }

  get link(): Link | null {
    return this.#link;
  }

  get responses(): ResponseSide | null {
    return this.#responses;
  }

  /** Those that end with the connection. */
  get sockets(): readonly Socket[] {
    if (this.#parked === null) return this.#link === null ? NOTHING : [this.#link.socket];
    return this.links.map(({ socket }) => socket);
  }

  get links(): readonly Link[] {
    return [...(this.#link === null ? NOTHING : [this.#link]), ...(this.#parked?.values() ?? NOTHING)];
  }

  get awaited(): boolean {
    return this.#waiting !== null;
  }

  isReady(member: Member | null): boolean {
    const link = this.#link;
    return this.#waiting === null && link !== null && link.member === member && isFree(link) && !link.opaque;
  }

  whenReady(exchange: Exchange | null, then: () => void): void {
    if (this.#host.ended) return;
    this.#waiting = { exchange, then };
    this.prepare();
  }

  /** Sees to it that there is an upstream for whoever waits for one. */
  prepare(): void {
    if (this.#waiting !== null) this.#prepareFor(this.#waiting);
  }

  #prepareFor(waiting: Waiting): void {
    const host = this.#host;
    if (host.ended || this.#dialling !== null || host.atGate) return;
    // The client is gone, and its RST still on its way through the faults: what waited is to be carried out for nobody.
    if (host.upPump?.ended === true) return;
    const link = this.#link;
    const member =
      waiting.exchange === null ? (link?.member ?? host.foreign.choose()) : waiting.exchange.member;
    if (link !== null && link.member === member && isFree(link)) {
      this.#waiting = null;
      waiting.then();
      return;
    }
    // Another connection is needed, so what went over the old one must be over, for clients and for bytes.
    if (waiting.exchange !== null && host.book.first !== waiting.exchange) return;
    if (member === null) {
      this.#fail({ reason: "no_upstream", text: "none of the upstreams is up" });
      return;
    }
    // What is joined and not written yet belongs to the connection that it was read for.
    host.flush("upstream");
    host.upPump?.whenEmpty(() => {
      if (host.ended || this.#dialling !== null || this.#waiting !== waiting) return;
      if (this.#link !== null) this.#park(this.#link);
      const parked = this.#parked?.get(member);
      this.#parked?.delete(member);
      if (parked === undefined) {
        waiting.exchange?.sight?.dials(member.name);
        this.#dial(member, waiting.exchange);
        return;
      }
      this.#use(parked);
      this.prepare();
    });
  }

  #park(link: Link): void {
    if (!link.idle) {
      this.letGo(link);
      return;
    }
    this.#parked ??= new Map();
    this.#parked.set(link.member, link);
    this.#become(null);
    link.socket.resume();
  }

  /** Bytes go there from now on. That another took no more says nothing of this one, and one that has gone will never say that it does. */
  #become(link: Link | null): void {
    this.#link = link;
    this.#host.upPump?.drained();
  }

  #use(link: Link): void {
    this.#become(link);
    this.#responses = new ResponseSide(link, this.#answering);
    link.sink = this.#responses;
    this.#host.regulateLink();
  }

  #fail(failure: DialFailure | Intercepted): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    this.#host.guarded(() => {
      this.#host.failures.notReached(waiting?.exchange ?? null, failure);
    });
  }

  #dial(member: Member, guest: Exchange | null): void {
    const host = this.#host;
    this.#dialling = host.reach(member, guest, takeFromUpstream, (result) => {
      this.#dialling = null;
      if ("reason" in result || "verdict" in result) {
        if ("reason" in result) guest?.sight?.notReached(result.reason);
        this.#fail(result);
        return;
      }
      guest?.sight?.connects();
      host.attach(result);
      const link = new Link(member, result, host.limits);
      this.#use(link);
      host.connected(() => {
        if (host.ended) return;
        host.regulateLink();
        if (!link.socket.isPaused()) link.socket.resume();
        // The gate that let it through is still on its way out.
        queueMicrotask(() => {
          host.guarded(() => {
            this.prepare();
          });
        });
      });
    });
  }

  /** It is of no more use to this connection: it closes behind what was written, whatever its upstream does about it. */
  drop(link: Link): void {
    link.over = true;
    if (link.sink === this.#responses) this.#responses?.drop();
    if (this.#link === link) this.#become(null);
    else if (this.#parked?.get(link.member) === link) this.#parked.delete(link.member);
    else return;
    if (!link.socket.destroyed) link.socket.destroySoon();
    this.#host.departure.tellUpstreamSoon();
  }

  /** Nothing will be asked any more. */
  dropParked(): void {
    for (const link of [...(this.#parked?.values() ?? NOTHING)]) this.drop(link);
  }

  /** Its answers are read to their end by somebody else. */
  letGo(link: Link): void {
    if (link.sink === this.#responses) {
      this.#responses?.handOver();
      this.#responses?.drop();
    }
    if (link.over || link.awaited.length === 0 || link.opaque || link.reader.plain) {
      this.drop(link);
      return;
    }
    if (this.#link === link) this.#become(null);
    const waited = link.awaited.filter(({ copy }) => !copy).map(({ exchange }) => exchange);
    // The journal is to say what the upstream did, where that is not known yet.
    const unknown = waited.filter(({ status }) => status === null);
    for (const exchange of unknown) exchange.pending++;
    this.#host.detached();
    this.#host.adopt(link, () => {
      for (const exchange of unknown) exchange.settled();
    });
  }

  /** Its socket has closed. */
  left(socket: Socket, keep: boolean): void {
    for (const link of this.#parked?.values() ?? NOTHING) if (link.socket === socket) this.drop(link);
    if (this.#link?.socket !== socket) return;
    this.#link.over = true;
    this.#become(keep ? this.#link : null);
  }

  cancel(): void {
    this.#responses?.drop();
    this.#dialling?.cancel();
    this.#dialling = null;
    this.#waiting = null;
  }
}

/** Another request can be sent over it. */
function isFree(link: Link): boolean {
  return !link.over && !link.draining && !link.busyForNobody && !link.brokenOff;
}

/** Why an upstream failed its client, in the words that personas know. */
export function whyOf(reason: ConnectionFailure): "timeout" | "refused" | "no_upstream" {
  if (reason === "no_upstream") return reason;
  return reason === "upstream_timeout" ? "timeout" : "refused";
}
