/** All proxies of a daemon, by name: who made them, and how they come, change and go. */
import { canonicalHost } from "../config/address.js";
import { PROXIES_MAX, unknownProxy } from "../config/proxy.js";
import { SquallError } from "../core/errors.js";
import type { LivePlan } from "../plan/live.js";
import type { CompiledFault } from "../plan/value.js";
import type { PlaneContext } from "./context.js";
import { DnsProxy } from "./dns/proxy.js";
import { HttpProxy } from "./http/proxy.js";
import type { Proxy, ProxySpec } from "./spec.js";
import type { TcpProxySpec } from "./spec-base.js";
import { TcpProxy } from "./tcp/proxy.js";
import { UdpProxy } from "./udp/proxy.js";

/** A reload touches only what files own. */
export type Owner = "file" | "api";

/** A proxy as a file has it. */
export type FileProxy = ProxySpec & {
  /** True if missing. */
  readonly enabled?: boolean;
  /** The faults that it is to have of its own. */
  readonly faults?: readonly CompiledFault[];
};

export interface Member {
  readonly proxy: Proxy;
  readonly owner: Owner;
  /** What its file said last: what an API has changed since then stays until the file says something else. */
  readonly filed: FileProxy | null;
  /** Made by code in this process, which makes it again in its next life: nothing to keep over a restart. */
  readonly passing?: true;
}

/** What is to become of a proxy; what is missing stays. */
export interface ProxyChange {
  readonly listen?: Pick<ProxySpec, "listen"> & { readonly given: string };
  readonly upstream?: Pick<ProxySpec, "upstream"> & {
    readonly given: string;
    /** How it is to be spoken to, if that was said. A proxy stays what it is: another way is refused. */
    readonly as?: { readonly protocol: "tcp" | "http"; readonly tls: boolean };
  };
  readonly enabled?: boolean;
}

export class ProxySet {
  readonly #context: PlaneContext;
  readonly #plan: LivePlan;
  readonly #members = new Map<string, Member>();
  /** The verb that is under way for a name, and behind it those that wait: binding a port takes its time. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #stopped = false;
  /** What the file wants, by name, whatever an API has made of it. */
  filed: ReadonlyMap<string, FileProxy> = new Map();

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
    const { message, ...hint } = unknownProxy(name, [...this.#members.keys()]);
    throw new SquallError("SQ_PROXY_NOT_FOUND", message, hint);
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  /**
   * Makes a proxy known to the plan without listening yet, so that faults are in force before the first client.
   * `filed` is what its file says, where an API has made something else of it.
   */
  prepare(spec: FileProxy, owner: Owner, filed: FileProxy = spec): Proxy {
    this.#checkPlace(spec.name);
    const proxy = this.#made(spec);
    this.#members.set(spec.name, { proxy, owner, filed: owner === "file" ? filed : null });
    return proxy;
  }

  #checkPlace(name: string): void {
    if (this.#members.has(name)) {
      throw new SquallError("SQ_PROXY_EXISTS", `a proxy is called ${JSON.stringify(name)} already`);
    }
    if (this.#members.size >= PROXIES_MAX)
      throw new SquallError("SQ_TOO_MANY", `there are ${PROXIES_MAX} proxies already`);
  }

  /** Throws SQ_TOO_MANY if there is no room for all of them. */
  checkRoomFor(names: readonly string[]): void {
    const fresh = new Set(names.filter((name) => !this.#members.has(name))).size;
    if (this.#members.size + fresh > PROXIES_MAX)
      throw new SquallError(
        "SQ_TOO_MANY",
        `there are ${this.#members.size} proxies, and ${fresh} more would be more than ${PROXIES_MAX}`,
      );
  }

  #made({ enabled: _enabled, faults, ...spec }: FileProxy): Proxy {
    const proxy = makeProxy(spec, this.#context);
    this.#plan.attach(proxy);
    if (faults !== undefined) this.#plan.setToxics(proxy.name, faults);
    return proxy;
  }

  /** Makes and starts a proxy. Throws SQ_PROXY_EXISTS or SQ_LISTEN_FAILED, leaving nothing behind. */
  async add(spec: FileProxy, owner: Owner, life: Pick<Member, "passing"> = {}): Promise<Proxy> {
    return this.#inTurn(spec.name, () => this.#add(spec, owner, life));
  }

  async #add(spec: FileProxy, owner: Owner, life: Pick<Member, "passing"> = {}): Promise<Proxy> {
    this.#checkPlace(spec.name);
    const proxy = this.#made(spec);
    try {
      if (spec.enabled !== false) await proxy.start();
      if (this.#stopped) throw new SquallError("SQ_LISTEN_FAILED", "the daemon is stopping");
      this.#checkPlace(spec.name);
    } catch (error) {
      proxy.stop();
      this.#plan.detach(spec.name, false);
      throw error;
    }
    this.#members.set(spec.name, { proxy, owner, filed: owner === "file" ? spec : null, ...life });
    return proxy;
  }

  /** Stops it and closes its connections. */
  remove(name: string): void {
    const { proxy } = this.find(name);
    proxy.stop();
    this.#members.delete(name);
    this.#plan.detach(name, false);
  }

  /** The same, after whatever is under way for it. */
  async removeInTurn(name: string): Promise<void> {
    return this.#inTurn(name, () => {
      this.remove(name);
      return Promise.resolve();
    });
  }

  /**
   * Changes a proxy, and closes its connections if an address changes or it is switched off; its own faults
   * stay. Whole or not at all: a new address is bound before the old one is given up.
   */
  async update(name: string, change: ProxyChange): Promise<void> {
    await this.#inTurn(name, async () => {
      const { proxy } = this.find(name);
      const { spec } = proxy;
      if (change.upstream?.as !== undefined) checkSpeaks(spec, change.upstream.as);
      // Any free port is another one than it has, as Toxiproxy takes it.
      const moves =
        change.listen !== undefined &&
        (change.listen.listen.port === 0 || !listensOn(proxy, change.listen.listen));
      const turns = change.upstream !== undefined && change.upstream.given !== proxy.upstreamGiven;
      const asked = moves ? undefined : spec.given?.asked;
      const given = {
        listen: moves ? change.listen.given : (spec.given?.listen ?? proxy.listenText),
        upstream: turns ? change.upstream.given : proxy.upstreamGiven,
        ...(asked === undefined ? {} : { asked }),
      };
      const next: ProxySpec = {
        ...spec,
        ...(moves ? { listen: change.listen.listen } : {}),
        ...(turns ? { upstream: change.upstream.upstream } : {}),
        given,
      };
      await this.#become(proxy, moves || turns ? next : spec, change.enabled ?? proxy.enabled);
      this.#checkStill(name, proxy);
    });
  }

  /**
   * Sees to it that there is a proxy like this one. One that has these addresses is left as it is, with its
   * faults and its switch; any other of that name becomes this one, without faults, and the API's. Answers
   * whether anything changed.
   */
  async populate(spec: ProxySpec, enabled: boolean): Promise<boolean> {
    return this.#inTurn(spec.name, async () => {
      const member = this.#members.get(spec.name);
      if (member === undefined) {
        await this.#add({ ...spec, enabled }, "api");
        return true;
      }
      const { proxy } = member;
      if (listensOn(proxy, spec.listen) && spec.given?.upstream === proxy.upstreamGiven) return false;
      if (spec.protocol === "http") checkSpeaks(proxy.spec, { protocol: "http", tls: spec.tls !== null });
      // Toxiproxy knows addresses and nothing else, so what else a proxy is stays.
      const { listen, upstream, given } = spec;
      const next =
        protocolOf(proxy.spec) !== "tcp"
          ? { ...proxy.spec, listen, upstream, ...(given === undefined ? {} : { given }) }
          : { ...spec, ...tlsOf(proxy.spec) };
      await this.#become(proxy, next, enabled);
      this.#checkStill(spec.name, proxy);
      this.#members.set(spec.name, { ...member, owner: "api", filed: null });
      this.#plan.setToxics(spec.name, []);
      return true;
    });
  }

  /** Switches on what is off. Throws SQ_LISTEN_FAILED. */
  async enable(name: string): Promise<void> {
    await this.#inTurn(name, async () => {
      const proxy = this.#members.get(name)?.proxy;
      if (proxy !== undefined) await this.#become(proxy, proxy.spec, true);
    });
  }

  /** What a file says now of a proxy of its own; its connections live on. Answers how to undo it. */
  async refile(file: FileProxy): Promise<() => Promise<void>> {
    const { enabled = true, faults = [], ...spec } = file;
    return this.#inTurn(spec.name, async () => {
      const member = this.find(spec.name);
      const { proxy } = member;
      if (protocolOf(proxy.spec) !== protocolOf(spec)) return this.#replace(member, file);
      const before = { spec: proxy.spec, enabled: proxy.enabled, toxics: this.#plan.toxicsOf(spec.name) };
      const become = async (
        next: ProxySpec,
        on: boolean,
        toxics: readonly CompiledFault[],
      ): Promise<void> => {
        const { seams } = proxy;
        if (on && proxy.enabled) await proxy.reconfigure(next);
        else await this.#become(proxy, next, on);
        // One that speaks TLS from now on has handshakes that faults may act on, and one that has ceased to has none.
        if (proxy.seams !== seams) this.#plan.attach(proxy);
        if (JSON.stringify(toxics) !== JSON.stringify(this.#plan.toxicsOf(spec.name)))
          this.#plan.setToxics(spec.name, toxics);
      };
      const hadFaults = JSON.stringify(member.filed?.faults ?? []);
      // What an API set on it stays, unless the file itself now wants others.
      const toxics = JSON.stringify(faults) === hadFaults ? before.toxics : faults;
      await become(spec, enabled, toxics);
      this.#members.set(spec.name, { ...member, filed: file });
      return async () => {
        this.#members.set(spec.name, member);
        await become(before.spec, before.enabled, before.toxics);
      };
    });
  }

  /** A proxy of another protocol in the place of this one; its connections cannot live on. Answers how to undo it. */
  async #replace(member: Member, file: FileProxy): Promise<() => Promise<void>> {
    const { name } = file;
    const old = member.proxy;
    const { enabled } = old;
    const toxics = this.#plan.toxicsOf(name);
    const swap = async (next: Proxy, on: boolean, faults: readonly CompiledFault[]): Promise<void> => {
      const before = this.#members.get(name)?.proxy;
      const wasOn = before?.enabled === true;
      before?.stop();
      this.#plan.detach(name, true);
      this.#plan.attach(next);
      try {
        if (on) await next.start();
      } catch (error) {
        next.stop();
        this.#plan.detach(name, true);
        if (before !== undefined) {
          this.#plan.attach(before);
          if (wasOn) await before.start();
        }
        throw error;
      }
      this.#plan.setToxics(name, faults);
    };
    const { enabled: on = true, faults = [], ...spec } = file;
    const next = makeProxy(spec, this.#context);
    await swap(next, on, faults);
    this.#members.set(name, { ...member, proxy: next, filed: file });
    return async () => {
      await swap(old, enabled, toxics);
      this.#members.set(name, member);
    };
  }

  async #become(proxy: Proxy, spec: ProxySpec, enabled: boolean): Promise<void> {
    const before = proxy.spec;
    if (!enabled) {
      proxy.switchOff();
      await proxy.reconfigure(spec);
    } else if (proxy.enabled) {
      if (spec !== before) await proxy.restart(spec);
    } else {
      await proxy.reconfigure(spec);
      try {
        await proxy.start();
      } catch (error) {
        await proxy.reconfigure(before);
        throw error;
      }
    }
  }

  /** Somebody may have removed it while a port was bound for it, or the daemon may be about to stop. */
  #checkStill(name: string, proxy: Proxy): void {
    if (this.#members.get(name)?.proxy === proxy && !this.#stopped) return;
    proxy.stop();
    this.find(name);
    throw new SquallError("SQ_PROXY_NOT_FOUND", `${JSON.stringify(name)} has become another proxy meanwhile`);
  }

  async #inTurn<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name);
    const turn = before === undefined ? run() : before.then(run, run);
    this.#turns.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    }
  }

  /** False while a proxy that should listen cannot. */
  get ready(): boolean {
    return this.list().every(({ proxy }) => proxy.state !== "cannot listen");
  }

  /** Lets connections finish until the deadline; answers how many had to be closed. */
  async drain(deadline: number): Promise<number> {
    this.#stopped = true;
    const closed = await Promise.all(this.list().map(({ proxy }) => proxy.drain(deadline)));
    return closed.reduce((sum, one) => sum + one, 0);
  }

  stop(): void {
    this.#stopped = true;
    for (const { proxy } of this.list()) proxy.stop();
  }
}

function makeProxy(spec: ProxySpec, context: PlaneContext): Proxy {
  switch (spec.protocol) {
    case "http":
      return new HttpProxy(spec, context);
    case "udp":
      return new UdpProxy(spec, context);
    case "dns":
      return new DnsProxy(spec, context);
    default:
      return new TcpProxy(spec, context);
  }
}

/** Throws SQ_BAD_REQUEST for an upstream that is spoken to in another way than those of this proxy. */
function checkSpeaks(
  spec: ProxySpec,
  as: { readonly protocol: "tcp" | "http"; readonly tls: boolean },
): void {
  const protocol = protocolOf(spec);
  const tls = spec.protocol === "http" && spec.tls !== null;
  if (protocol === as.protocol && tls === as.tls) return;
  const [own, other] = [protocol === "http" && tls ? "https" : protocol, as.tls ? "https" : as.protocol];
  throw new SquallError(
    "SQ_BAD_REQUEST",
    `${JSON.stringify(spec.name)} is a proxy for ${own}:// and stays one: delete it, and make another for ${other}://`,
  );
}

/** Whether it listens there already, by any of its addresses: the one that it was given, and the one it got. */
function listensOn(proxy: Proxy, { host, port }: ProxySpec["listen"]): boolean {
  const { asked } = proxy.spec.given ?? {};
  const own = [proxy.spec.listen, proxy.address, ...(asked === undefined ? [] : [asked])];
  const wanted = canonicalHost(host);
  return own.some((one) => canonicalHost(one.host) === wanted) && own.some((one) => one.port === port);
}

/** How a tcp proxy speaks TLS on both sides, and what it knows its clients by then. */
function tlsOf(spec: ProxySpec): Partial<Pick<TcpProxySpec, "secure" | "tls" | "identify">> {
  if (spec.protocol !== undefined && spec.protocol !== "tcp") return {};
  const { secure, tls, identify } = spec;
  return {
    ...(secure === undefined ? {} : { secure }),
    ...(tls === undefined ? {} : { tls }),
    ...(identify === undefined ? {} : { identify }),
  };
}

function protocolOf({ protocol }: ProxySpec): string {
  return protocol ?? "tcp";
}

export function sameSpec(a: FileProxy, b: FileProxy): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
