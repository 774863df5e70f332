/** What faults on DNS queries have in common: where they act, and what a client sees whose upstream was not resolved. */
import type { z } from "zod";
import {
  pass,
  type Answer,
  type DnsRecord,
  type DnsReply,
  type Hang,
  type Pass,
  type QueryFault,
  type Question,
  type Scope,
  type Sever,
} from "./contract/index.js";
import { choice, statusCode } from "./params.js";
import { PERSONAS, personaAnswer } from "./personas.js";

export const RCODE_WORDS = ["nxdomain", "servfail", "refused", "formerr", "notimp"] as const;

/** The parameters of all of them, to be spread into a type's schema. */
export const dnsParams = {
  on: choice(["proxy", "upstream"])
    .default("proxy")
    .describe(
      "proxy: the queries that clients ask a dns proxy; upstream: the resolution of the upstreams' names of other proxies, where an address counts as a name",
    ),
  as: choice(["default", "status", "close", "reset", "hang"])
    .default("default")
    .describe(
      "with on: upstream, what a client gets when the name is not resolved; default is what the proxy does without faults; status needs an http proxy, others close",
    ),
  status: statusCode().default(502).describe("with as: status, the status of the response"),
  persona: choice(PERSONAS).default("plain").describe("with as: status, whose words the response is in"),
} satisfies Record<string, z.ZodType>;

export type DnsParams = z.infer<z.ZodObject<typeof dnsParams>>;

/** Whether a fault of these parameters is about the names of upstreams. */
export function onUpstream(params: Readonly<Record<string, unknown>>): boolean {
  return params["on"] === "upstream";
}

/** A combination that makes no sense. */
export function dnsMistake({ on, as }: Readonly<DnsParams>): { path: string; message: string } | undefined {
  if (on === "proxy" && as !== "default")
    return { path: "as", message: 'is about the clients of an upstream: it needs "on: upstream"' };
  return undefined;
}

/** The rest of an explanation: whom it is about, and what they see. */
export function explainPlace({ on, as, status, persona }: Readonly<DnsParams>): string {
  if (on === "proxy") return "";
  const seen = {
    default: "",
    status: `, so that clients get ${status}${persona === "plain" ? "" : ` as ${persona} says it`}`,
    close: ", so that clients are closed",
    reset: ", so that clients are reset",
    hang: ", so that clients are left hanging",
  }[as];
  return ` for the names of upstreams${seen}`;
}

export abstract class DnsFault<P extends DnsParams, E extends string, S = undefined> implements QueryFault {
  #touched = false;

  constructor(
    protected readonly scope: Scope<P, E, S>,
    protected readonly question: Question,
  ) {}

  /** Books the effect, once for each question. */
  protected book(effect: E, detail?: Readonly<Record<string, string | number>>): void {
    if (!this.#touched) this.scope.count(effect, 1, detail);
    this.#touched = true;
  }

  get asksAddresses(): boolean {
    const { type } = this.question;
    return type === "A" || type === "AAAA";
  }

  unresolved(): Pass | Hang | Sever | Answer {
    const { as, status, persona } = this.scope.params;
    if (!this.#touched || as === "default") return pass;
    if (as !== "status") return { do: as };
    return personaAnswer(persona, status, { now: this.scope.wallTime(), why: "no_upstream" });
  }
}

export function replying(reply: Partial<DnsReply>): { readonly do: "reply"; readonly reply: DnsReply } {
  return { do: "reply", reply: { rcode: "NOERROR", truncated: false, answers: [], ...reply } };
}

export function isIPv6(address: string): boolean {
  return address.includes(":");
}

/** The records of a name for those of the addresses that the question asks for; upstreams are asked for both kinds at once. */
export function addressRecords(
  { name, type, transport }: Question,
  addresses: readonly string[],
  ttl: number,
): DnsRecord[] {
  return addresses.flatMap((data) => {
    const of = isIPv6(data) ? "AAAA" : "A";
    return of === type || transport === "internal" ? [{ name, type: of, ttl, data }] : [];
  });
}

// -- bytes: where things stand in a message that is well-formed (RFC 1035, section 4.1) ---------------

const HEADER_BYTES = 12;

/** Where the first question ends; the end of the message if there is none. */
export function questionEnd(message: Buffer): number {
  if (message.length < HEADER_BYTES || message.readUInt16BE(4) === 0) return message.length;
  return Math.min(nameEnd(message, HEADER_BYTES) + 4, message.length);
}

/** Where the data of the last answer begins and ends; null if there is no answer. */
export function lastAnswer(message: Buffer): { readonly start: number; readonly end: number } | null {
  if (message.length < HEADER_BYTES) return null;
  let found = null;
  let at = questionEnd(message);
  for (let n = message.readUInt16BE(6); n > 0; n--) {
    const fixed = nameEnd(message, at);
    if (fixed + 10 > message.length) break;
    const end = fixed + 10 + message.readUInt16BE(fixed + 8);
    if (end > message.length) break;
    found = { start: fixed + 10, end };
    at = end;
  }
  return found;
}

function nameEnd(message: Buffer, start: number): number {
  for (let at = start; ;) {
    const length = message[at] ?? 0;
    if (length >= 0xc0) return at + 2;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
}
