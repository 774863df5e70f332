/** A proxy as operators see it, and in the words in which it was defined. */
import type { CompiledFault } from "../plan/value.js";
import type { Member } from "../proxy/proxy-set.js";
import type { Protocol } from "../proxy/spec-base.js";

export interface ProxyView {
  readonly name: string;
  readonly protocol: Protocol;
  readonly listen: string;
  readonly upstream: string;
  readonly owner: "file" | "api";
  /** False for one that its owner has switched off; a fault may keep an enabled one closed. */
  readonly enabled: boolean;
  readonly state: string;
  readonly connections: { readonly active: number; readonly total: number };
  readonly faults: readonly {
    readonly fault: string;
    readonly type: string;
    readonly profile: string;
    /** Of faults that the kernel can act for: who does. */
    readonly engine?: "kernel" | "model" | undefined;
  }[];
}

/** A proxy in the words in which it was defined, for whoever gives definitions back. */
export interface ProxyDefinition {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  /** Its own, in order. */
  readonly faults: readonly CompiledFault[];
}

export function proxyView({ proxy, owner }: Member): ProxyView {
  const { host, port } = proxy.address;
  const { connectionsActive, connectionsTotal } = proxy.stats;
  return {
    name: proxy.name,
    protocol: proxy.protocol,
    listen: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    upstream: proxy.upstreamText,
    owner,
    enabled: proxy.enabled,
    state: proxy.state,
    connections: { active: connectionsActive, total: connectionsTotal },
    faults: proxy.faults.map(({ origin, engine }) => ({
      fault: origin.fault,
      type: origin.type,
      profile: origin.profile,
      ...(engine === null ? {} : { engine: engine.kernel === null ? "model" : "kernel" }),
    })),
  };
}

export function proxyDefinition({ proxy }: Member, faults: readonly CompiledFault[]): ProxyDefinition {
  return {
    name: proxy.name,
    listen: proxy.listenText,
    upstream: proxy.upstreamGiven,
    enabled: proxy.enabled,
    faults,
  };
}
