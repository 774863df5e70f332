/** Sites as tables, of all protocols. */
import type { HttpTraits, Site } from "../../src/sweep/contract/site.js";

type HttpSite = Extract<Site, { protocol: "http" }>;

const COMMON = {
  botClass: "bot-#",
  bot: "bot-1",
  bots: ["bot-1"],
  steadiness: "stable",
  counts: [1, 1, 1],
} as const;

const PLAIN: HttpTraits = {
  safe: false,
  authorized: false,
  keepAlive: false,
  reusedAt: null,
  body: 40,
  leastBody: 40,
  leastSent: 0,
  json: true,
  answers: 1,
  keyed: false,
  slowest: 5,
};

export type HttpChanges = Partial<Omit<HttpSite, "traits">> & { readonly traits?: Partial<HttpTraits> };

/** `httpSite("POST /v1/jobs/:n/complete")`, where work is done and JSON comes back. */
export function httpSite(route: string, changes: HttpChanges = {}): HttpSite {
  const [method = "GET", template = "/"] = route.split(" ");
  return {
    ...COMMON,
    protocol: "http",
    id: `jobs bot-# ${route}`,
    proxy: "jobs",
    method,
    template,
    except: [],
    operation: null,
    within: null,
    ...changes,
    traits: { ...PLAIN, safe: method === "GET", ...changes.traits },
  };
}

export const tcpSite = (changes: Partial<Extract<Site, { protocol: "tcp" }>> = {}): Site => ({
  ...COMMON,
  ...ADDRESS,
  protocol: "tcp",
  id: "tcp queue address",
  proxy: "queue",
  bytes: { up: 40, down: 1_000 },
  ...changes,
});

export const udpSite = (changes: Partial<Extract<Site, { protocol: "udp" }>> = {}): Site => ({
  ...COMMON,
  ...ADDRESS,
  protocol: "udp",
  id: "udp stats address",
  proxy: "stats",
  datagrams: { up: 4, down: 4 },
  ...changes,
});

export const tlsSite = (changes: Partial<Extract<Site, { protocol: "tls" }>> = {}): Site => ({
  ...COMMON,
  protocol: "tls",
  id: "tls jobs jobs.example",
  proxy: "jobs",
  botClass: "*",
  bot: "*",
  sni: "jobs.example",
  others: [],
  ended: true,
  ...changes,
});

export const dnsSite = (changes: Partial<Extract<Site, { protocol: "dns" }>> = {}): Site => ({
  ...COMMON,
  ...ADDRESS,
  protocol: "dns",
  id: "dns names address A jobs.example",
  proxy: "names",
  name: "jobs.example",
  type: "A",
  transport: "udp",
  ...changes,
});

const ADDRESS = { botClass: "address", bot: "127.0.0.1", bots: ["127.0.0.1"] } as const;
