/** The clients of one proxy that speak TLS to it: those whose handshakes are under way, and those whose connections came of one. */
import { seesHandshake } from "../watched-connection.js";
import { isIP, type Socket } from "node:net";
import { contained, type Owner } from "../../core/containment.js";
import type { ConnectionFailure } from "../../core/events.js";
import { Roster } from "../../core/roster.js";
import type { Sever } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { HeldBudget } from "../../pipeline/budget.js";
import type { Overdue } from "../../pipeline/overdue.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import type { Origin } from "../connection.js";
import type { ListenAddress } from "../port.js";
import type { PlaneContext } from "../context.js";
import type { ProxySpecBase } from "../spec-base.js";
import { Front } from "./front.js";
import { Mirror, type AskUpstream } from "./mirror.js";
import type { Peer } from "./peer.js";
import { SecureClient } from "./secure-client.js";
import { tellReread } from "./reread.js";
import type { HandshakeTestimony, Newcomer, SecureHost, Severable } from "./secure-host.js";
import { HandshakeTally, type HandshakeResult } from "./tally.js";

/** What they need of their proxy. */
export interface SecureProxy {
  readonly name: string;
  readonly context: PlaneContext;
  readonly faults: readonly ArmedFault[];
  /** What a client is answered that speaks plain HTTP; null where nobody knows what it speaks. */
  readonly plainAnswer: Buffer | null;
  /** Asks the upstream what protocol it would speak (RFC 7301); null where it speaks no TLS. */
  readonly askUpstream: AskUpstream | null;
  readonly mistakes: Owner;
  /** Where it listens. */
  readonly address: ListenAddress;
  /** The connection that a client's plain bytes, or its TLS that passes through, go over. */
  arrived(socket: Socket, origin: Origin): Severable;
  /** What rules call a client by its TLS alone, before it is secure or then; undefined for its address. */
  knownAs(peer: Peer, isSecure: boolean): string | undefined;
  /** A place is free again. */
  free(): void;
  failedBefore(client: Newcomer, reason: ConnectionFailure, text: string): void;
}

/** Listened on, these are all addresses of the machine. */
const EVERYWHERE: ReadonlySet<string> = new Set(["::", "0.0.0.0"]);

/** Whether nothing differs that a handshake with a client may hang on: what its certificate says, whom protocols are asked of. */
export function isSecuredAlike(a: ProxySpecBase, b: ProxySpecBase): boolean {
  const said = ({ secure, upstream, pool, ...spec }: ProxySpecBase): string =>
    JSON.stringify([secure, upstream, pool?.members, "tls" in spec ? spec.tls : null]);
  return said(a) === said(b);
}

export class SecureClients implements SecureHost {
  readonly tally = new HandshakeTally();
  readonly #of: SecureProxy;
  readonly #clients = new Roster<SecureClient>();
  #front: Front | null = null;
  #underWay = 0;
  /** What it listens on, and whether that tells what clients dial. */
  #dialledHost = "";
  #dialled: string | null = null;

  constructor(of: SecureProxy) {
    this.#of = of;
  }

  /** Throws SQ_INVALID_CONFIG if a file that the specification names cannot be used. Handshakes under way go on as they began. */
  configure(spec: ProxySpecBase): void {
    this.#front = this.#frontOf(spec);
  }

  /** Throws what `configure` would throw, and changes nothing. */
  check(spec: ProxySpecBase): void {
    this.#frontOf(spec);
  }

  #frontOf({ secure, name, upstream, pool }: ProxySpecBase): Front | null {
    const { authority: door, clock, facts } = this.#of.context;
    if (secure === undefined || door === undefined) return null;
    const { askUpstream } = this.#of;
    return new Front({
      spec: secure,
      hosts: (pool?.members ?? [upstream]).map(({ host }) => host),
      clock,
      door,
      answer: this.#of.plainAnswer,
      mirror: askUpstream === null ? null : new Mirror(clock, askUpstream, this.#of.mistakes),
      reread: (file, trouble) => {
        tellReread(this.#of.context, name, file, trouble);
      },
      closed: (error) => {
        facts.tell({ kind: "mistake", where: `the CA of proxy ${name}`, error });
      },
    });
  }

  /** Whether clients speak TLS, or may. */
  get expected(): boolean {
    return this.#front !== null;
  }

  get underWay(): number {
    return this.#underWay;
  }

  get front(): Front {
    const front = this.#front;
    if (front === null) throw new Error("a handshake where no TLS is spoken");
    return front;
  }

  get overdue(): Overdue | undefined {
    return this.#of.context.overdue;
  }

  get budget(): HeldBudget {
    return this.#of.context.budget;
  }

  get faults(): readonly ArmedFault[] {
    return this.#of.faults;
  }

  get recording(): boolean {
    return this.#of.context.facts.recording === true;
  }

  get dialled(): string | null {
    const { host } = this.#of.address;
    if (host !== this.#dialledHost) {
      this.#dialledHost = host;
      this.#dialled = isIP(host) === 0 || EVERYWHERE.has(host) ? null : host;
    }
    return this.#dialled;
  }

  knownAs(peer: Peer): string | undefined {
    return this.#of.knownAs(peer, false);
  }

  accept(socket: Socket, origin: Origin): void {
    const client = new SecureClient(this, socket, origin, this.#of.context.clock);
    client.seat = this.#clients.enter(client);
    this.#underWay++;
    client.start();
  }

  apply(change: FaultChange): void {
    for (const client of this.#clients) client.apply(change);
  }

  /** The daemon is about to stop. */
  retire(): void {
    for (const client of this.#clients) client.retire();
  }

  closeUnderWay(): void {
    for (const client of this.#clients) if (client.became === null) client.destroy();
  }

  // -- what a client tells ------------------------------------------------------------------------

  arrived(client: SecureClient, socket: Socket, peer: Peer | null): void {
    this.#underWay--;
    client.seat?.leave();
    client.seat = null;
    const { id, address, port } = client.origin;
    const connection = this.#of.arrived(socket, { id, address, port, peer });
    if (client.isOver || !client.lingers) return;
    client.became = connection;
    client.seat = this.#clients.enter(client);
  }

  left(client: SecureClient): void {
    const wasUnderWay = client.seat !== null && client.became === null;
    client.seat?.leave();
    client.seat = client.became = null;
    if (!wasUnderWay) return;
    this.#underWay--;
    this.#of.free();
  }

  failed(client: SecureClient, reason: ConnectionFailure, text: string): void {
    this.#of.failedBefore(client, reason, text);
  }

  mistaken(client: SecureClient, error: unknown): void {
    this.#of.context.facts.tell({ kind: "mistake", where: `TLS of connection ${client.connection}`, error });
    this.#of.failedBefore(client, "internal", String(error));
  }

  sever(client: SecureClient, how: Sever): void {
    client.became?.severed(how);
  }

  over(result: HandshakeResult): void {
    this.tally.over(result);
  }

  took(client: SecureClient, testimony: HandshakeTestimony): void {
    const { took, problem, hits } = testimony;
    if (hits.length > 0) this.tally.taken(took, problem);
    const connection = client.became;
    // Whose request its first data are is known when those have been read.
    if (took === "accepted" && connection !== null && !client.isOver)
      setImmediate(
        contained(this.#of.mistakes, () => {
          this.#tell(client, testimony, connection.bearer?.bot ?? connection.bot);
        }),
      );
    else this.#tell(client, testimony, connection?.bot ?? client.bot);
  }

  #tell(client: SecureClient, { took, problem, since, at, hits }: HandshakeTestimony, bot: string): void {
    const { peer, connection } = client;
    const { watcher } = this.#of.context.watch ?? { watcher: null };
    if (watcher !== null) seesHandshake(watcher, this.#of.name, client, bot, { problem, took });
    this.#of.context.facts.tell({
      kind: "tls_over",
      proxy: this.#of.name,
      connection,
      bot,
      faults: hits,
      sni: peer?.sni ?? null,
      version: peer?.version ?? null,
      alpn: peer?.protocol ?? null,
      problem,
      took,
      ms: at - since,
      ...(this.recording ? { seen: { at: since, over: at } } : {}),
    });
  }
}
