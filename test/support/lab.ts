/** A TCP proxy on real sockets with a live plan, and small servers and clients to put around it. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { SystemClock, type Clock } from "../../src/core/clock.js";
import type { Fact, FactKind, Facts } from "../../src/core/events.js";
import { Ledger } from "../../src/core/ledger.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { HeldBudget } from "../../src/pipeline/budget.js";
import { LivePlan } from "../../src/plan/live.js";
import type { CompiledFault, CompiledPhase, CompiledProfile } from "../../src/plan/value.js";
import { ConnectionSlots, type PlaneContext } from "../../src/proxy/context.js";
import { TcpProxy, type TcpProxySpec } from "../../src/proxy/tcp/proxy.js";
import { Resolver } from "../../src/proxy/upstream/resolver.js";

export const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

/** Keeps every fact, and lets tests wait for one. */
export class FactBook implements Facts {
  readonly all: Fact[] = [];
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
  async first<K extends FactKind>(kind: K): Promise<Extract<Fact, { kind: K }>> {
    const known = this.of(kind)[0];
    if (known) return known;
    return new Promise((resolve) => {
      this.#waiting.add({
        test: (fact) => fact.kind === kind,
        found: (fact) => {
          resolve(fact as Extract<Fact, { kind: K }>);
        },
      });
    });
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

export class Lab {
  readonly facts = new FactBook();
  readonly ledger = new Ledger();
  readonly clock: Clock;
  readonly context: PlaneContext;
  readonly plan: LivePlan;
  readonly #ends: (() => void)[] = [];

  constructor(options: { readonly clock?: Clock; readonly held?: number; readonly connections?: number } = {}) {
    this.clock = options.clock ?? new SystemClock();
    this.context = {
      clock: this.clock,
      facts: this.facts,
      budget: new HeldBudget(options.held ?? Infinity),
      resolver: new Resolver({ clock: this.clock }),
      slots: new ConnectionSlots(options.connections ?? 100_000),
    };
    this.plan = new LivePlan({
      clock: this.clock,
      facts: this.facts,
      ledger: this.ledger,
      types: TYPES,
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
  use(faults: readonly CompiledFault[], options: { seed?: number; phases?: readonly CompiledPhase[] } = {}): void {
    this.plan.replace([
      {
        profile: "test",
        compiled: profile(faults, options.phases),
        given: {},
        seed: options.seed ?? 1,
        proxies: null,
        mode: "inject",
        ttl: null,
      },
    ]);
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

  echo(): Promise<number> {
    return this.server((socket) => socket.pipe(socket));
  }

  client(proxy: TcpProxy, localAddress?: string): Client {
    const socket = connect({
      host: "127.0.0.1",
      port: proxy.address.port,
      allowHalfOpen: true,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.onEnd(() => socket.destroy());
    return new Client(socket);
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

export type End = "fin" | "reset" | { readonly error: string };

/** A client that keeps what it reads and knows how its connection ended. */
export class Client {
  readonly socket: Socket;
  readonly connected: Promise<void>;
  /** FIN or RST from the other side, whichever came first. */
  readonly ended: Promise<End>;
  #chunks: Buffer[] = [];
  #length = 0;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    this.connected = new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    this.connected.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      socket.once("end", () => {
        resolve("fin");
      });
      socket.once("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code === "ECONNRESET" ? "reset" : { error: error.code ?? error.message });
      });
    });
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      for (const waiter of [...this.#waiting]) waiter();
    });
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
