/**
 * One cell of the table of endings over real sockets: an exchange of some kind, so much of its answer said, and two things
 * that happen one after the other. What must hold in every cell is checked here, in one place.
 */
import { expect } from "vitest";
import type { VirtualClock } from "../../src/core/clock.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import type { PoolSpec } from "../../src/proxy/upstream/pool.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { httpTimeLab, messageAt, type HttpLab } from "./http-lab.js";
import { SecureLab, secureSpec, secureTimeLab } from "./secure-lab.js";
import { fault, turns, until, type Client, type Upstream } from "./lab.js";

export interface Kind {
  /** What the client says at first; what it says next of the same, if that is not all. */
  readonly request: string;
  readonly rest?: string;
  /** What the server says, the first part and the second. */
  readonly answer: readonly [string, string];
  readonly faults?: () => CompiledFault[];
  readonly relay?: boolean;
  /** Behind so many parts of the answer both directions are bytes: 0 for those that never were HTTP. */
  readonly bytesFrom?: 0 | 1 | 2;
  /** The client gets something else in the place of what the server says, or nothing, for as long as the faults are there. */
  readonly replaced?: boolean;
  /** The server is one of a pool, of which there is no other. */
  readonly pooled?: boolean;
}

/** How many parts of its answer the server has said before anything happens. */
export const PROGRESS = [0, 1, 2] as const;
export type Progress = (typeof PROGRESS)[number];

export const EVENTS = [
  "client bytes",
  "client half-close",
  "client close",
  "client RST",
  "server bytes",
  "server FIN",
  "server RST",
  "server bytes and RST",
  "heal",
  "removal",
  "drain",
] as const;
/** And what a fault of the pool does: it goes down, and connections that are open to it are cut. */
export const POOL_EVENTS = ["cut of the pool", "server bytes and cut of the pool"] as const;
export type Event = (typeof EVENTS)[number] | (typeof POOL_EVENTS)[number];

/** Time between two things that happen. */
const STEP_MS = 10;
const SETTLE_TURNS = 12;

export class Cell {
  readonly #kind: Kind;
  readonly #lab: HttpLab;
  readonly #time: VirtualClock;
  #proxy: HttpProxy | null = null;
  #upstream: Upstream | null = null;
  #client: Client | null = null;
  #said = 0;
  #restSaid = false;
  #lates = 0;
  /** When the client ended its side, and whether that was the end of it altogether. */
  #leftAt: number | null = null;
  #gone = false;
  /** It had the whole answer then. */
  #served = false;
  #healed = false;
  #disturbed = false;
  readonly #forbidden: string[] = [];

  /** The client speaks plain HTTP, or HTTP over TLS. */
  constructor(kind: Kind, leg: "plain" | "tls" = "plain") {
    this.#kind = kind;
    const { lab, time } = leg === "tls" ? secureTimeLab() : httpTimeLab();
    this.#lab = lab;
    this.#time = time;
  }

  async play(progress: Progress, events: readonly Event[]): Promise<void> {
    const lab = this.#lab;
    const kind = this.#kind;
    try {
      this.#upstream = await lab.upstream();
      this.#proxy = await lab.http(this.#upstream.port, {
        ...(kind.relay === true ? { ambiguous: "relay" } : {}),
        ...(kind.pooled === true ? { pool: poolOf(this.#upstream.port) } : {}),
        ...(lab instanceof SecureLab ? { secure: secureSpec() } : {}),
      });
      if (kind.faults !== undefined) lab.use(kind.faults());
      this.#client = lab instanceof SecureLab ? await lab.secured(this.#proxy) : lab.client(this.#proxy);
      this.#client.write(Buffer.from(kind.request, "latin1"));
      await this.#pass();
      for (let part = 0; part < progress; part++) await this.#do("server bytes");
      for (const event of events) await this.#do(event);
      await this.#leave();
      this.#judge();
    } finally {
      await lab.close();
    }
  }

  get #server(): Client | null {
    return this.#upstream?.accepted[0] ?? null;
  }

  get #peers(): readonly Client[] {
    return this.#upstream?.accepted ?? [];
  }

  get #bytesPass(): boolean {
    const { bytesFrom } = this.#kind;
    return bytesFrom !== undefined && this.#said >= bytesFrom;
  }

  async #pass(): Promise<void> {
    await turns(SETTLE_TURNS);
    this.#time.advance(STEP_MS);
    await turns(SETTLE_TURNS);
  }

  async #do(event: Event): Promise<void> {
    const client = this.#client;
    const proxy = this.#proxy;
    if (client === null || proxy === null) throw new Error("nobody to play with");
    const server = this.#server;
    const speaks = (peer: Client | null): peer is Client =>
      peer !== null && peer.socket.writable && !peer.socket.destroyed;
    switch (event) {
      case "client bytes":
        if (speaks(client)) await this.#clientBytes(client, server);
        break;
      case "client half-close":
      case "client close":
        if (client.socket.destroyed) break;
        this.#leave1(event === "client close");
        if (event === "client close") client.socket.destroy();
        else client.fin();
        break;
      case "client RST":
        if (client.socket.destroyed) break;
        this.#leave1(true);
        client.rst();
        break;
      case "server bytes":
        if (speaks(server)) this.#serverBytes(server);
        break;
      case "server FIN":
        if (speaks(server)) server.fin();
        break;
      case "server RST":
        if (server !== null && !server.socket.destroyed) server.rst();
        break;
      case "server bytes and RST":
        // Both are there before the proxy reads the first of them.
        if (!speaks(server)) break;
        this.#serverBytes(server);
        server.rst();
        break;
      case "cut of the pool":
        this.#cutPool();
        break;
      case "server bytes and cut of the pool":
        if (!speaks(server)) break;
        this.#serverBytes(server);
        await this.#arrival(client);
        this.#cutPool();
        break;
      case "heal":
        this.#healed = true;
        this.#lab.heal();
        break;
      case "removal":
        proxy.stop();
        break;
      case "drain":
        void proxy.drain(this.#time.now() + 60_000);
        break;
    }
    if (!["client bytes", "server bytes", "heal"].includes(event)) this.#disturbed = true;
    await this.#pass();
  }

  #serverBytes(server: Client): void {
    if (this.#said >= 2) return;
    server.write(Buffer.from(this.#kind.answer[this.#said] ?? "", "latin1"));
    this.#said++;
  }

  /** As soon as the client has them, which is sooner than the proxy can know whether it takes them. */
  async #arrival(client: Client): Promise<void> {
    const before = client.length;
    for (let left = SETTLE_TURNS; left > 0 && client.length === before; left--) await turns(1);
  }

  #cutPool(): void {
    this.#healed = false;
    this.#lab.use([fault("flap", { targets: ["*"], pattern: ["down 1h", "up 1h"] })]);
    this.#time.advance(0);
  }

  #leave1(gone: boolean): void {
    if (gone && !this.#gone) {
      this.#gone = true;
      this.#served = messageAt(this.#client?.text ?? "", 0) !== null;
    }
    this.#leftAt ??= this.#time.now();
  }

  async #clientBytes(client: Client, server: Client | null): Promise<void> {
    const { rest } = this.#kind;
    if (rest !== undefined && !this.#restSaid) {
      this.#restSaid = true;
      client.write(rest);
      return;
    }
    const mark = `/late-${++this.#lates}`;
    const bytes = `GET ${mark} HTTP/1.1\r\nHost: jobs.test\r\n\r\n`;
    if (client.end !== null && !this.#bytesPass) this.#forbidden.push(mark);
    client.write(bytes);
    // What has become bytes is bytes in both directions.
    if (this.#bytesPass && !this.#disturbed && this.#kind.replaced !== true && server !== null)
      await until(() => server.text.endsWith(bytes));
  }

  /** Everybody goes, and nothing holds anybody up: what is left after a second is a leak. */
  async #leave(): Promise<void> {
    if (this.#client !== null && !this.#client.socket.destroyed) {
      this.#leave1(true);
      this.#client.socket.destroy();
    }
    await this.#pass();
    if (!this.#healed) this.#lab.heal();
    await this.#pass();
    for (const peer of this.#peers) if (!peer.socket.destroyed && peer.socket.writable) peer.fin();
    await turns(SETTLE_TURNS);
    this.#time.advance(1_000);
    const proxy = this.#proxy;
    await until(() => proxy?.stats.connectionsActive === 0);
    // What is under way in the kernel is not counted in turns. The clock stands still: a timer that is left is never over.
    await until(() => this.#time.idle && this.#peers.every(hasGone));
    await turns(SETTLE_TURNS);
  }

  #judge(): void {
    const lab = this.#lab;
    const { facts, context } = lab;
    const proxy = this.#proxy;
    const client = this.#client;
    if (proxy === null || client === null) return;
    expect(facts.of("mistake")).toEqual([]);
    // Nothing is kept: no place, no byte, no timer, no connection to the upstream.
    expect(context.slots.taken).toBe(0);
    expect(context.budget.held).toBe(0);
    expect(this.#time.idle).toBe(true);
    expect(this.#peers.every(hasGone)).toBe(true);
    // Nothing was begun for a client that had been told the end.
    for (const mark of this.#forbidden) for (const peer of this.#peers) expect(peer.text).not.toContain(mark);
    this.#judgeBytes(client.text);
    // Each exchange is counted once, and told once if a fault touched it.
    const answered = proxy.exchanges.responses().reduce((sum, [, , count]) => sum + count, 0);
    expect(answered).toBe(proxy.exchanges.requests);
    const touched = new Set(facts.of("fault_hit").flatMap(({ exchange }) => (exchange ? [exchange.id] : [])));
    const told = facts.of("exchange_over").map(({ exchange }) => exchange.id);
    expect([...told].sort()).toEqual([...new Set(told)].sort());
    expect(told).toEqual(expect.arrayContaining([...touched]));
    this.#judgeStatuses(client.text, proxy);
    const first = facts.of("exchange_over").find(({ exchange }) => exchange.id === 1);
    if (first?.end === "client_left") expect(first.client_ms).toBe((this.#leftAt ?? 0) - 1_000);
    if (first !== undefined && !this.#bytesPass && !this.#gone && hasAnswer(client.text))
      expect(first.end).toBe("complete");
    if (first !== undefined && this.#gone && !this.#served && !this.#bytesPass)
      expect(first.end).not.toBe("complete");
  }

  /** Each status that the client has read is counted as one that it has read, and no other is. */
  #judgeStatuses(text: string, { exchanges }: HttpProxy): void {
    if (this.#kind.bytesFrom !== undefined) return;
    const read = [...text.matchAll(/HTTP\/1\.1 (101|[2-5]\d\d) [^]*?\r\n\r\n/gu)].map(([, status]) => status);
    const counted = exchanges
      .responses()
      .flatMap(([, code, count]) => (code === "none" ? [] : Array<string>(count).fill(code)));
    expect(counted.sort(), `of ${JSON.stringify(text)}`).toEqual(read.sort());
  }

  /** Whatever the client got is its own: what Squall answered by itself, and else what the server said, from its beginning. */
  #judgeBytes(text: string): void {
    const { answer, replaced } = this.#kind;
    let at = 0;
    let own = "";
    let local = false;
    for (;;) {
      const message = messageAt(text, at);
      const isLocal =
        message !== null &&
        /^HTTP\/1\.1 (?:400|408|50[234]) [^]*\r\n\r\n50[234] |^HTTP\/1\.1 4/u.test(message.raw);
      if (message === null || !isLocal) break;
      local = true;
      at = message.end;
    }
    own = text.slice(at);
    expect(answer.join("").startsWith(own), `the client got ${JSON.stringify(text)}`).toBe(true);
    if (local || (replaced === true && !this.#healed && !this.#gone)) expect(own).toBe("");
  }
}

function hasGone({ socket, end }: Client): boolean {
  return socket.destroyed || end !== null;
}

/** A whole answer, and not the beginning of a tunnel. */
function hasAnswer(text: string): boolean {
  return !text.startsWith("HTTP/1.1 101 ") && messageAt(text, 0) !== null;
}

function poolOf(port: number): PoolSpec {
  const members = [{ name: "a", host: "127.0.0.1", port }];
  return { members, balance: "first", health: null, eject: null, seed: 1 };
}
