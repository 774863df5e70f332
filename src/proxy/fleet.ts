/** All proxies of a daemon, by name: who made them, and how they come, change and go. */
import { SquallError } from "../core/errors.js";
import { suggest } from "../core/suggest.js";
import type { LivePlan } from "../plan/live.js";
import type { PlaneContext } from "./context.js";
import { TcpProxy, type TcpProxySpec } from "./tcp/proxy.js";

/** A reload touches only what files own. */
export type Owner = "file" | "api";

export interface Member {
  readonly proxy: TcpProxy;
  readonly owner: Owner;
}

export const PROXIES_MAX = 1_000;

export class Fleet {
  readonly #context: PlaneContext;
  readonly #plan: LivePlan;
  readonly #members = new Map<string, Member>();

  constructor(context: PlaneContext, plan: LivePlan) {
    this.#context = context;
    this.#plan = plan;
  }

  list(): readonly Member[] {
    return [...this.#members.values()];
  }

  find(name: string): Member {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    const near = suggest(name, [...this.#members.keys()]);
    throw new SquallError("SQ_PROXY_NOT_FOUND", `no proxy is called ${JSON.stringify(name)}`, {
      ...(near === undefined ? {} : { hint: `did you mean ${JSON.stringify(near)}?` }),
    });
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** Makes a proxy known to the plan without listening yet, so that faults are in force before the first client. */
  prepare(spec: TcpProxySpec, owner: Owner): TcpProxy {
    if (this.#members.has(spec.name)) {
      throw new SquallError("SQ_PROXY_EXISTS", `a proxy is called ${JSON.stringify(spec.name)} already`);
    }
    if (this.#members.size >= PROXIES_MAX)
      throw new SquallError("SQ_TOO_MANY", `there are ${PROXIES_MAX} proxies already`);
    const proxy = new TcpProxy(spec, this.#context);
    this.#members.set(spec.name, { proxy, owner });
    this.#plan.attach(proxy);
    return proxy;
  }

  /** Makes and starts a proxy. Throws SQ_PROXY_EXISTS or SQ_LISTEN_FAILED, leaving nothing behind. */
  async add(spec: TcpProxySpec, owner: Owner): Promise<TcpProxy> {
    const proxy = this.prepare(spec, owner);
    try {
      await proxy.start();
    } catch (error) {
      this.remove(spec.name);
      throw error;
    }
    return proxy;
  }

  /** Stops it and closes its connections. */
  remove(name: string): void {
    const { proxy } = this.find(name);
    proxy.stop();
    this.#members.delete(name);
    this.#plan.detach(name, false);
  }

  /** False while a proxy that should listen cannot. */
  get ready(): boolean {
    return this.list().every(({ proxy }) => proxy.state !== "cannot listen");
  }

  /** Lets connections finish until the deadline; answers how many had to be closed. */
  async drain(deadline: number): Promise<number> {
    const closed = await Promise.all(this.list().map(({ proxy }) => proxy.drain(deadline)));
    return closed.reduce((sum, one) => sum + one, 0);
  }

  stop(): void {
    for (const { proxy } of this.list()) proxy.stop();
  }
}

export function sameSpec(a: TcpProxySpec, b: TcpProxySpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
