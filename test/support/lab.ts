/** A TCP proxy on real sockets with a live plan, and small servers and clients to put around it. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { VirtualClock, type Clock } from "../../src/core/clock.js";
import { SystemClock } from "../../src/core/system-clock.js";
import { KEEPALIVE_DEFAULT, type Keepalive } from "../../src/core/stream-options.js";
import type { Fact, FactKind, Facts } from "../../src/core/events.js";
import { Ledger } from "../../src/core/ledger.js";
import type { AnyFaultType } from "../../src/faults/contract/index.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { HeldBudget } from "../../src/pipeline/budget.js";
import { Overdue, PunctualClock } from "../../src/pipeline/overdue.js";
import { Watch } from "../../src/pipeline/watch.js";
import type { ActivationRequest } from "../../src/plan/activation.js";
import { LivePlan } from "../../src/plan/live.js";
import type { CompiledFault, CompiledPhase, CompiledProfile } from "../../src/plan/value.js";
import { type PlaneContext } from "../../src/proxy/context.js";
import { ConnectionSlots } from "../../src/proxy/slots.js";
import { FlowPlaces } from "../../src/proxy/udp/places.js";
import type { Descriptors } from "../../src/proxy/descriptors.js";
import type { TcpProxySpec } from "../../src/proxy/spec-base.js";
import { TcpProxy } from "../../src/proxy/tcp/proxy.js";
import type { AuthorityDoor } from "../../src/tls/door.js";
import { Resolver } from "../../src/proxy/upstream/resolver.js";
import { freePort } from "./free-port.js";
import { startSilentServer } from "./silent-server.js";

export const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

/** Keeps every fact, and lets tests wait for one. */
export class FactBook implements Facts {
  readonly all: Fact[] = [];
  /** As the daemon in record mode. */
  recording = false;
  readonly #waiting = new Set<{ test: (fact: Fact) => boolean; found: (fact: Fact) => void }>();

  tell(fact: Fact): void {
    this.all.push(fact);
    for (const waiter of [...this.#waiting]) {
      if (!waiter.test(fact)) continue;
      this.#waiting.delete(waiter);
      waiter.found(fact);
    }
  }

  of<K extends FactKind>(kind: K): Extract<Fact, { kind: K }>[] {
    return this.all.filter((fact): fact is Extract<Fact, { kind: K }> => fact.kind === kind);
  }

  /** The first fact of that kind, told already or still to come. */
  first<K extends FactKind>(kind: K): Promise<Extract<Fact, { kind: K }>> {
    return this.nth(kind, 1);
  }

  /** The n-th fact of that kind, counted from 1. */
  async nth<K extends FactKind>(kind: K, n: number): Promise<Extract<Fact, { kind: K }>> {
    for (;;) {
      const known = this.of(kind)[n - 1];
      if (known) return known;
      await new Promise<void>((resolve) => {
        this.#waiting.add({
          test: (fact) => fact.kind === kind,
          found: () => {
            resolve();
          },
        });
      });
    }
  }

  /** What was done to whom, without what differs between runs: `fault effect bot`. */
  hits(): string[] {
    return this.of("fault_hit").map(({ fault, effect, bot }) => `${fault} ${effect} ${bot}`);
  }

  /** The same of what was let be, and of what was noticed. */
  spared(): string[] {
    return this.of("fault_spared").map(({ fault, effect, bot }) => `${fault} ${effect} ${bot}`);
  }
}

/** A fault in its compiled form, from its parameters as people write them. */
export function fault(
  type: string,
  params: Record<string, unknown> = {},
  rest: Partial<CompiledFault> = {},
): CompiledFault {
  const known = TYPES.get(type);
  if (known === undefined) throw new Error(`no fault type ${type}`);
  const parsed = known.params.strict().parse(params);
  return {
    name: type,
    type,
    params: parsed,
    ramps: {},
    proxies: null,
    directions: known.directions,
    at: known.at?.[0] ?? "",
    match: [],
    except: [],
    when: {},
    ...rest,
  };
}

export function profile(
  faults: readonly CompiledFault[],
  phases: readonly CompiledPhase[] = [],
  rest: Partial<CompiledProfile> = {},
): CompiledProfile {
  return { profile: "test", summary: "", tags: [], params: {}, faults, phases, repeat: 1, ...rest };
}

/** To have it on, as it is asked for without more words. */
export function request(compiled: CompiledProfile, rest: Partial<ActivationRequest> = {}): ActivationRequest {
  return {
    profile: compiled.profile,
    compiled,
    written: null,
    given: {},
    seed: 1,
    proxies: null,
    mode: "inject",
    ttl: null,
    ...rest,
  };
}

export interface LabOptions {
  readonly clock?: Clock;
  readonly held?: number;
  readonly connections?: number;
  /** Of UDP. */
  readonly flows?: number;
  readonly descriptors?: Descriptors;
  readonly keepalive?: Keepalive;
  /** Makes certificates for proxies that speak TLS with their clients. */
  readonly authority?: AuthorityDoor;
  /** Fault types that only a test knows. */
  readonly types?: readonly AnyFaultType[];
}

/** Lets everything happen that is under way on loopback: all sockets are in this process, so turns of its loop are enough. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** So many turns pass in a few milliseconds: what is under way within this process is over by then. */
const EAGER_TURNS = 2_000;

/** Goes round the event loop until it holds; the test's own time limit is the only one. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    // Whoever is waited for now is outside, and may need the processor.
    if (turn < EAGER_TURNS) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A lab on a clock that moves when told, and the clock. */
export function timeLab(options: LabOptions = {}): { readonly lab: Lab; readonly time: VirtualClock } {
  const time = new VirtualClock(1_000);
  return { lab: new Lab({ ...options, clock: time }), time };
}

/** Whatever listens: a proxy of any protocol. */
export interface Listening {
  readonly address: { readonly port: number };
}

export interface Upstream {
  readonly port: number;
  /** All that have been accepted so far, in order. */
  readonly accepted: readonly Client[];
  /** The next connection that has not been handed out yet. */
  next(): Promise<Client>;
}

function keepaliveOf({ keepalive, clock }: LabOptions): Keepalive {
  if (keepalive !== undefined) return keepalive;
  return clock === undefined ? KEEPALIVE_DEFAULT : null;
}

export class Lab {
  readonly facts = new FactBook();
  readonly ledger = new Ledger();
  readonly clock: Clock;
  readonly watch = new Watch();
  readonly context: PlaneContext;
  readonly plan: LivePlan;
  readonly #ends: (() => void)[] = [];

  constructor(options: LabOptions = {}) {
    this.clock = options.clock ?? new SystemClock();
    const overdue = new Overdue(this.clock);
    this.context = {
      clock: new PunctualClock(this.clock, overdue),
      overdue,
      facts: this.facts,
      budget: new HeldBudget(options.held ?? Infinity),
      resolver: new Resolver({ clock: this.clock }),
      slots: new ConnectionSlots(options.connections ?? 100_000),
      flows: new FlowPlaces(options.flows ?? 100_000),
      watch: this.watch,
      // What the kernel does by its own clock a clock that moves when told has no part in, unless a test says so.
      keepalive: keepaliveOf(options),
      ...(options.authority === undefined ? {} : { authority: options.authority }),
      ...(options.descriptors === undefined ? {} : { descriptors: options.descriptors }),
    };
    this.plan = new LivePlan({
      clock: this.clock,
      overdue,
      facts: this.facts,
      ledger: this.ledger,
      version: "0.0.0",
      types: new Map([...TYPES, ...(options.types ?? []).map((type) => [type.type, type] as const)]),
      seed: 1,
    });
  }

  async proxy(upstreamPort: number, spec: Partial<TcpProxySpec> = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(
      {
        name: "jobs",
        listen: { host: "127.0.0.1", port: 0 },
        upstream: { host: "127.0.0.1", port: upstreamPort },
        dialTimeout: 5_000,
        connections: 100_000,
        proxyProtocol: "off",
        except: [],
        ...spec,
      },
      this.context,
    );
    this.plan.attach(proxy);
    await proxy.start();
    this.onEnd(() => {
      proxy.stop();
    });
    return proxy;
  }

  /** Puts these faults in force in place of all others. */
  use(
    faults: readonly CompiledFault[],
    {
      phases = [],
      ...rest
    }: {
      seed?: number;
      phases?: readonly CompiledPhase[];
      mode?: "inject" | "observe";
    } = {},
  ): void {
    this.plan.replace([request(profile(faults, phases), rest)]);
  }

  /** Gives what is in force another text, as editing its file does: it keeps its start and its state. */
  change(faults: readonly CompiledFault[], phases?: readonly CompiledPhase[]): void {
    this.plan.recompile(() => profile(faults, phases));
  }

  heal(): void {
    this.plan.end(() => true, "healed");
  }

  /** A server on a free port, ended with the lab. */
  async server(onConnection: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => undefined);
      onConnection(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.onEnd(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }

  /** A server whose connections the test itself holds. */
  async upstream(options: ClientOptions = {}): Promise<Upstream> {
    const accepted: Client[] = [];
    const waiting: ((client: Client) => void)[] = [];
    let handedOut = 0;
    const port = await this.server((socket) => {
      const client = new Client(socket, options);
      accepted.push(client);
      waiting.shift()?.(client);
    });
    return {
      port,
      accepted,
      next: () => {
        const ready = accepted[handedOut++];
        return ready ? Promise.resolve(ready) : new Promise((resolve) => waiting.push(resolve));
      },
    };
  }

  /** One connection through the proxy, with both its ends. */
  async through(
    proxy: Listening,
    upstream: Upstream,
    options: ClientOptions = {},
  ): Promise<{ client: Client; peer: Client }> {
    const client = this.client(proxy, options.localAddress, options);
    const peer = await upstream.next();
    // The upstream accepts a turn before the proxy sees that it is connected.
    await turns();
    return { client, peer };
  }

  /** A port on which nobody listens, and which nobody is given. */
  deadPort(): Promise<number> {
    return freePort();
  }

  /**
   * A port that answers no SYN: its queue of connections is full and nobody accepts, which a process that
   * has stopped does for good.
   */
  async silentPort(): Promise<number> {
    const { port, stop } = await startSilentServer();
    this.onEnd(stop);
    return port;
  }

  echo(): Promise<number> {
    return this.server((socket) => socket.pipe(socket));
  }

  client(proxy: Listening | number, localAddress?: string, options: ClientOptions = {}): Client {
    const socket = connect({
      host: "127.0.0.1",
      port: typeof proxy === "number" ? proxy : proxy.address.port,
      allowHalfOpen: true,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.onEnd(() => socket.destroy());
    return new Client(socket, options);
  }

  onEnd(run: () => void): void {
    this.#ends.push(run);
  }

  async close(): Promise<void> {
    this.plan.stop();
    for (const end of this.#ends.reverse()) end();
    this.context.resolver.close();
    await Promise.resolve();
  }
}

export interface ClientOptions {
  readonly localAddress?: string;
  /** False for one that reads nothing until told. */
  readonly reading?: boolean;
}

export type End = "fin" | "reset" | { readonly error: string };

/** A client that keeps what it reads and knows how its connection ended. */
export class Client {
  readonly socket: Socket;
  readonly connected: Promise<void>;
  /** FIN or RST from the other side, whichever came first. */
  readonly ended: Promise<End>;
  /** What `ended` resolved to, or null while it has not. */
  end: End | null = null;
  /** Sizes of the chunks as they were read. */
  readonly sizes: number[] = [];
  #chunks: Buffer[] = [];
  #length = 0;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket, { reading = true }: ClientOptions = {}) {
    this.socket = socket;
    this.connected = new Promise((resolve, reject) => {
      socket.once("error", reject);
      if (socket.connecting) socket.once("connect", resolve);
      else resolve();
    });
    this.connected.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      const over = (end: End): void => {
        this.end ??= end;
        resolve(end);
      };
      socket.once("end", () => {
        // Where an RST comes right behind bytes, libuv reports an end; writing nothing brings the error out.
        if (!socket.writable || socket.writableLength > 0) over("fin");
        else socket.write("", (error) => error ?? over("fin"));
      });
      socket.on("error", (error: NodeJS.ErrnoException) => {
        over(
          error.code === "ECONNRESET" || error.code === "EPIPE"
            ? "reset"
            : { error: error.code ?? error.message },
        );
      });
    });
    if (reading) this.read();
    else socket.pause();
  }

  /** Begins to read, for one that did not. */
  read(): void {
    this.socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.sizes.push(chunk.length);
      for (const waiter of [...this.#waiting]) waiter();
    });
    this.socket.resume();
  }

  /** Writes until it is told of an RST: a socket that has read its FIN hears of nothing otherwise. */
  async broken(): Promise<void> {
    while (!this.socket.destroyed) {
      if (this.socket.writableLength === 0) this.socket.write("?");
      await turns(1);
    }
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString("latin1");
  }

  write(data: string | Buffer): void {
    this.socket.write(data);
  }

  fin(): void {
    this.socket.end();
  }

  rst(): void {
    this.socket.resetAndDestroy();
  }

  /** Resolves once that many bytes have been read in all. */
  async received(length: number): Promise<Buffer> {
    if (this.#length < length) {
      await new Promise<void>((resolve) => {
        const check = (): void => {
          if (this.#length < length) return;
          this.#waiting.delete(check);
          resolve();
        };
        this.#waiting.add(check);
      });
    }
    return this.bytes;
  }
}
