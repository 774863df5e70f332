/**
 * One TCP connection through a proxy: client socket, upstream socket, a pump for each direction, and
 * the faults that act on it.
 *
 *     accepted -> [gate] -> dialled -> [gate] -> open -> over
 */
import type { Socket } from "node:net";
import type { Owner } from "../../core/containment.js";
import type { Fact } from "../../core/events.js";
import type { Direction } from "../../faults/contract/index.js";
import { CIPHERTEXT } from "../../faults/subjects.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Guest } from "../../pipeline/party.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings } from "../../pipeline/dealings.js";
import { Pump } from "../../pipeline/pump.js";
import { Connection, type ConnectionHost, type Origin } from "../connection.js";
import { passesThrough } from "../secure/peer.js";
import { takeFromUpstream } from "../socket-owner.js";
import type { Dialling } from "../upstream/dial.js";
import type { Member, Pool } from "../upstream/pool.js";
import { seesAnswer, seesRequest } from "./watching.js";
import type { Reached, Waits } from "../upstream/reach.js";
import type { Take } from "../upstream/reader.js";

export interface TcpHost extends ConnectionHost {
  readonly pool: Pool;
  reach(
    member: Member,
    guest: Guest,
    take: Take,
    done: (result: Reached) => void,
    owner: Owner,
    waits?: Waits | null,
  ): Dialling;
}

type ConnectionOver = Extract<Fact, { kind: "connection_over" }>;

/** Shared by all connections: most servers say nothing before they are asked. */
const NOTHING: readonly never[] = [];

export class TcpConnection extends Connection {
  /** What its bot does on this proxy, and what is seen of it; null unless it began while somebody watched. */
  dealings: Dealings | null = null;
  sight: Sight | null = null;
  /** The name of the one that was chosen. */
  upstream: string | null = null;
  readonly #host: TcpHost;
  /** The names of the faults that acted on it; null while there is none. */
  #struck: string[] | null = null;
  #upstreamSocket: Socket | null = null;
  #member: Member | null = null;
  #dialling: Dialling | null = null;
  /** What the upstream said before the pumps were there. */
  #spokenEarly: readonly Buffer[] = NOTHING;

  readonly #waits: Waits = {
    held: () => {
      this.listenEarly();
    },
    left: () => {
      if (this.leftEarly) this.severed({ do: "close" });
      return this.leftEarly;
    },
  };

  constructor(host: TcpHost, client: Socket, origin: Origin) {
    super(host, client, origin);
    this.#host = host;
  }

  override struck(fault: string): void {
    this.#struck ??= [];
    if (!this.#struck.includes(fault)) this.#struck.push(fault);
  }

  /** What became of it, once it is over. */
  seen(): Pick<ConnectionOver, "connection" | "bot" | "end" | "failure" | "faults" | "seen"> {
    const { connection, bot, ending, pumps, acceptedAt } = this;
    return {
      connection,
      bot,
      end: ending.how,
      failure: ending.failure,
      faults: this.#struck ?? NOTHING,
      seen: {
        at: acceptedAt,
        over: this.host.context.clock.now(),
        up: pumps?.upstream.bytesOut ?? 0,
        down: pumps?.downstream.bytesOut ?? 0,
      },
    };
  }

  override concerns({ type, at }: ArmedFault): boolean {
    // Where TLS passes through, all bytes are its own.
    if (at === CIPHERTEXT && !passesThrough(this.peer)) return false;
    return type.connection !== undefined || type.stream !== undefined;
  }

  protected override admitted(): void {
    if (this.ended) return;
    const { pool } = this.#host;
    const member = pool.choose(this);
    if (member === null) {
      if (!pool.emptiedByFaults) this.#host.failed(this, "no_upstream", "none of the upstreams is up");
      this.severed({ do: "close" });
      return;
    }
    this.#member = member;
    this.upstream = member.name;
    this.sight?.dials(member.name);
    const reached = (result: Reached): void => {
      this.#dialling = null;
      if ("verdict" in result) {
        this.severed(result.verdict.do === "reset" ? { do: "reset" } : { do: "close" });
        return;
      }
      if ("reason" in result) {
        // As a server that is not there looks through a proxy: the client sees the end at once.
        this.sight?.notReached(result.reason);
        if (result.injected !== true) this.#host.failed(this, result.reason, result.text);
        this.severed({ do: "close" });
        return;
      }
      this.sight?.connects();
      this.#upstreamSocket = result;
      this.attach(result);
      this.throughGate(
        (fault) => fault.connected?.(),
        () => {
          this.#begin(result);
        },
      );
    };
    this.#dialling = this.#host.reach(member, this, takeFromUpstream, reached, this, this.#waits);
  }

  #begin(upstream: Socket): void {
    const client = this.clientSocket;
    if (this.ended) return;
    const { clock, budget } = this.host.context;
    const pumps = {
      upstream: new Pump({ source: client, sink: upstream, clock, budget, owner: this }),
      downstream: new Pump({ source: upstream, sink: client, clock, budget, owner: this }),
    };
    if (!this.open(pumps)) return;
    if (pumps.upstream.paused) client.pause();
    else client.resume();
    if (this.sight !== null && this.#spokenEarly.length > 0) seesAnswer(this.sight, pumps.downstream);
    for (const chunk of this.#spokenEarly) pumps.downstream.data(chunk);
    this.#spokenEarly = NOTHING;
    if (pumps.downstream.paused) upstream.pause();
    else upstream.resume();
    for (const direction of this.endsBeforeOpening()) pumps[direction].end("fin");
  }

  override fromClient(chunk: Buffer): void {
    if (this.sight !== null) seesRequest(this.sight, this.pumps?.upstream, this.#member);
    this.pumps?.upstream.data(chunk);
  }

  override fromUpstream(_socket: Socket, chunk: Buffer): boolean {
    const pump = this.pumps?.downstream;
    if (pump === undefined) {
      // Held at the gate: what a server says first waits here, and no more is read.
      this.#spokenEarly = [...this.#spokenEarly, Buffer.from(chunk)];
      this.#upstreamSocket?.pause();
      return true;
    }
    if (this.sight !== null) seesAnswer(this.sight, pump);
    pump.data(chunk);
    return this.clientSocket.writableLength === 0 && pump.keepsNothing;
  }

  protected override upstreams(): readonly Socket[] {
    return this.#upstreamSocket === null ? NOTHING : [this.#upstreamSocket];
  }

  protected override sourceOver(direction: Direction): void {
    this.pumps?.[direction].end("fin");
  }

  protected override sourceBroke(direction: Direction): void {
    this.pumps?.[direction === "upstream" ? "downstream" : "upstream"].sinkLost();
    this.pumps?.[direction].end("reset");
  }

  override drained(direction: Direction): void {
    this.pumps?.[direction].drained();
  }

  protected override changed(): void {
    // All its faults are those of the connection.
  }

  protected override stopped(): void {
    this.#dialling?.cancel();
    this.#dialling = null;
  }

  protected override finished(): void {
    if (this.#member !== null) this.#member.busy--;
    this.#member = null;
  }

  override upstreamsChanged(pool: Pool): void {
    if (this.#member === null || this.ended) return;
    const verdict = pool.existing(this.#member, this);
    // Of a stream nobody knows when it could be drained: it ends when its peers end it.
    if (verdict.do === "reset" || verdict.do === "close") this.severed(verdict);
  }
}
