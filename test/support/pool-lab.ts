/** A pool on real sockets and a clock that moves when told: servers that say who they are, and the proxies before them. */
import * as fsPromises from "node:fs/promises";
import { resolve } from "node:path";
import type { VirtualClock } from "../../src/core/clock.js";
import { Library } from "../../src/config/library.js";
import { loadProfiles } from "../../src/config/load.js";
import type { Persona } from "../../src/faults/personas.js";
import { compileProfile } from "../../src/plan/compile.js";
import type { CompiledProfile } from "../../src/plan/value.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import type { TcpProxy } from "../../src/proxy/tcp/proxy.js";
import type { PoolMember, PoolSpec } from "../../src/proxy/upstream/pool.js";
import { get, httpTimeLab, messageAt, ok, type HttpLab, type RawMessage } from "./http-lab.js";
import { request, TYPES, turns, type Client } from "./lab.js";

const ROOT = resolve(import.meta.dirname, "../..");

/** A profile that is shipped, with these params. */
export async function shipped(name: string, params: Record<string, unknown> = {}): Promise<CompiledProfile> {
  const library = new Library(TYPES);
  library.replaceFiles(await loadProfiles([resolve(ROOT, "profiles")], fsPromises, ROOT));
  return compileProfile(name, library, params, TYPES);
}

export class PoolLab {
  readonly lab: HttpLab;
  readonly time: VirtualClock;
  #start = 0;

  constructor() {
    const { lab, time } = httpTimeLab();
    this.lab = lab;
    this.time = time;
    this.#start = time.now();
  }

  /** Since the faults began. */
  get now(): number {
    return this.time.now() - this.#start;
  }

  use(compiled: CompiledProfile, seed = 1): void {
    this.#start = this.time.now();
    this.lab.plan.replace([request(compiled, { profile: "test", seed })]);
    this.time.advance(0);
  }

  /** A TCP proxy before servers that greet with their names. */
  async tcp(names: readonly string[], spec: Partial<PoolSpec> = {}): Promise<TcpProxy> {
    const members: PoolMember[] = [];
    for (const name of names) {
      const port = await this.lab.server((socket) => {
        socket.write(name);
        socket.resume();
        socket.on("end", () => socket.end());
      });
      members.push({ name, host: "127.0.0.1", port });
    }
    return this.lab.proxy(members[0]?.port ?? 0, { pool: poolSpec(members, spec), dialTimeout: 1_000 });
  }

  /** An HTTP proxy before servers that answer with their names. */
  async http(
    names: readonly string[],
    spec: Partial<PoolSpec> = {},
    persona: Persona = "plain",
  ): Promise<HttpProxy> {
    const members: PoolMember[] = [];
    for (const name of names) {
      const { port } = await this.lab.scripted(() => ok(name));
      members.push({ name, host: "127.0.0.1", port });
    }
    const pool = poolSpec(members, spec);
    return this.lab.http(members[0]?.port ?? 0, { pool, persona, dialTimeout: 1_000 });
  }

  /** Waits, with what is due at this moment being done, and no time passing. */
  async settled(holds: () => boolean): Promise<void> {
    while (!holds()) {
      this.time.advance(0);
      await turns(1);
    }
  }

  /** A connection through the proxy, when it has been greeted or has ended: the server's name, or "". */
  async greeted(proxy: TcpProxy): Promise<{ readonly client: Client; readonly by: string }> {
    const client = this.lab.client(proxy);
    await this.settled(() => client.length > 0 || client.end !== null);
    return { client, by: client.text };
  }

  /** A request on that connection, and its answer, which begins there; null if the connection ended instead. */
  async asked(client: Client, from = client.length): Promise<RawMessage | null> {
    const answer = (): RawMessage | null => messageAt(client.text, from, { over: client.end !== null });
    client.write(get("/"));
    await this.settled(() => answer() !== null || client.end !== null);
    return answer();
  }

  /** Lets time pass, and then all that follows from it. */
  async passes(millis: number): Promise<void> {
    this.time.advance(millis);
    await turns();
  }
}

function poolSpec(members: readonly PoolMember[], spec: Partial<PoolSpec>): PoolSpec {
  return { balance: "first", health: null, eject: null, seed: 1, ...spec, members };
}
