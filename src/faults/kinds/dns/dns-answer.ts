/** Answers DNS queries with addresses that are wrong, old, changing, too few, none, or that lead nowhere. */
import { isIP } from "node:net";
import { z } from "zod";
import { BoundedMap } from "../../../core/lru.js";
import { formatDuration } from "../../../core/units.js";
import { defineFault, pass, type DnsRecord, type DnsReply, type QueryVerdict } from "../../contract/index.js";
import { DnsFault, addressRecords, dnsMistake, dnsParams, explainPlace, replying } from "../../dns.js";
import { choice, count, duration, shown } from "../../params.js";

const MODES = [
  "fixed",
  "stale",
  "flap",
  "subset",
  "empty",
  "unreachable",
  "loopback",
  "cname_loop",
  "ttl",
] as const;

/** RFC 5737 and RFC 6666: addresses at which there is nobody, ever. */
const UNREACHABLE = ["192.0.2.1", "100::1"];
const LOOPBACK = ["127.0.0.1", "::1"];
const ANSWERS_REMEMBERED = 1_000;
const TTL_DEFAULT = 5_000;

function ip(): z.ZodString {
  const error = (issue: { input?: unknown }): string =>
    `expected an address such as 10.0.0.1, got ${shown(issue.input)}`;
  return z.string({ error }).refine((text) => isIP(text) !== 0, { error });
}

const ips = (): z.ZodArray<z.ZodString> =>
  z.array(ip(), { error: (issue) => `expected a list of addresses, got ${shown(issue.input)}` });

const params = z.object({
  mode: choice(MODES).describe(
    "fixed: these ips; stale: the first answer that was seen, for some time; flap: one of the sets after the other; subset: n of the addresses; empty: none; unreachable, loopback: an address at which nobody is, or the client itself; cname_loop: aliases in a circle; ttl: only another time to live",
  ),
  ips: ips()
    .min(1, { error: () => "expected at least one address, got none" })
    .optional()
    .describe("for fixed"),
  sets: z
    .array(ips(), { error: (issue) => `expected a list of lists of addresses, got ${shown(issue.input)}` })
    .min(1, { error: () => "expected at least one list of addresses, got none" })
    .optional()
    .describe("for flap; an empty one means no address"),
  period: duration({ positive: true })
    .prefault("10s")
    .describe("for flap: how long each of the sets is the answer"),
  for: duration({ positive: true }).prefault("60s").describe("for stale: how long an answer is kept"),
  n: count({ min: 1 }).default(1).describe("for subset: how many addresses are left, drawn for each query"),
  ttl: duration()
    .optional()
    .describe("the time to live of the answers, in whole seconds; 5s where there is none"),
  ...dnsParams,
});
type Params = z.infer<typeof params>;
type Effect = "answered" | "changed";

interface Shared {
  readonly began: number;
  readonly remembered: BoundedMap<string, { readonly reply: DnsReply; readonly until: number }>;
}

class DnsAnswer extends DnsFault<Params, Effect, Shared> {
  query(): QueryVerdict {
    const { mode } = this.scope.params;
    if (mode === "stale") return this.#recalled();
    if (mode === "empty") return this.#instead([]);
    if (mode === "cname_loop") return this.#instead(this.#circle());
    if (!this.asksAddresses) return pass;
    const addresses = this.#addresses();
    return addresses === null ? pass : this.#instead(addressRecords(this.question, addresses, this.#ttl));
  }

  reply(reply: DnsReply): QueryVerdict {
    const { params: current, shared } = this.scope;
    if (current.mode === "stale")
      shared.remembered.set(this.#key, { reply, until: this.scope.now() + current.for });
    return pass;
  }

  rewrite(reply: DnsReply): DnsReply {
    const { mode, ttl, n } = this.scope.params;
    let { answers } = reply;
    if (mode === "subset") answers = this.#some(answers, n);
    if (mode === "ttl" || (mode === "subset" && ttl !== undefined)) {
      const seconds = this.#ttl;
      if (answers.some((record) => record.ttl !== seconds))
        answers = answers.map((record) => ({ ...record, ttl: seconds }));
    }
    if (answers === reply.answers) return reply;
    this.book("changed", { answers: answers.length });
    return { ...reply, answers };
  }

  get #ttl(): number {
    return Math.round((this.scope.params.ttl ?? TTL_DEFAULT) / 1_000);
  }

  get #key(): string {
    return `${this.question.type} ${this.question.name}`;
  }

  #addresses(): readonly string[] | null {
    const { params: current, shared } = this.scope;
    switch (current.mode) {
      case "fixed":
        return current.ips ?? [];
      case "flap": {
        const { sets = [[]], period } = current;
        return sets[Math.floor((this.scope.now() - shared.began) / period) % sets.length] ?? [];
      }
      case "unreachable":
        return UNREACHABLE;
      case "loopback":
        return LOOPBACK;
      default:
        return null;
    }
  }

  #recalled(): QueryVerdict {
    const { shared } = this.scope;
    const old = shared.remembered.get(this.#key);
    if (old === undefined || old.until <= this.scope.now()) return pass;
    this.book("answered", { answers: old.reply.answers.length });
    const { ttl } = this.scope.params;
    const { answers } = old.reply;
    return {
      do: "reply",
      reply:
        ttl === undefined
          ? old.reply
          : { ...old.reply, answers: answers.map((record) => ({ ...record, ttl: this.#ttl })) },
    };
  }

  #circle(): DnsRecord[] {
    const { name } = this.question;
    const other = name === "" ? "loop" : `loop.${name}`;
    const alias = (from: string, to: string): DnsRecord => ({
      name: from,
      type: "CNAME",
      ttl: this.#ttl,
      data: to,
    });
    return [alias(name, other), alias(other, name)];
  }

  #instead(answers: readonly DnsRecord[]): QueryVerdict {
    const addresses = answers.map(({ data }) => data).join(" ");
    this.book(
      "answered",
      addresses === "" ? { answers: 0 } : { answers: answers.length, first: answers[0]?.data ?? "" },
    );
    return replying({ answers });
  }

  /** Which ones is drawn anew for each question; their order stays. */
  #some(answers: readonly DnsRecord[], n: number): readonly DnsRecord[] {
    const places = answers.flatMap(({ type }, place) => (type === "A" || type === "AAAA" ? [place] : []));
    if (places.length <= n) return answers;
    for (let left = places.length; left > n; left--)
      places.splice(this.scope.random.integer(places.length), 1);
    return answers.filter(({ type }, place) => (type !== "A" && type !== "AAAA") || places.includes(place));
  }
}

function explain(current: Readonly<Params>): string {
  const { mode, ips: fixed = [], sets = [], period, n, ttl } = current;
  const seconds = formatDuration(Math.round((ttl ?? TTL_DEFAULT) / 1_000) * 1_000);
  const what = {
    fixed: `answers ${fixed.join(" ")}`,
    stale: `answers what it first saw, for ${formatDuration(current.for)}`,
    flap: `answers one of ${sets.length} sets of addresses after the other, each for ${formatDuration(period)}`,
    subset: `answers ${n} of the addresses`,
    empty: "answers without an address",
    unreachable: `answers an address at which nobody is (${UNREACHABLE.join(", ")})`,
    loopback: "answers the client's own address",
    cname_loop: "answers aliases that lead in a circle",
    ttl: `answers with a time to live of ${seconds}`,
  }[mode];
  return what + explainPlace(current);
}

export default defineFault({
  type: "dns_answer",
  summary:
    "Answers DNS queries with addresses that are wrong, old, changing, too few, none, or that lead nowhere.",
  params,
  example: { type: "dns_answer", mode: "fixed", ips: ["10.9.9.9"] },
  effects: {
    answered: "queries answered in the server's place",
    changed: "answers of the server that were changed",
  },
  directions: null,
  explain,
  check: ({ params: current }) => {
    const { mode, ips: fixed, sets } = current;
    if (mode === "fixed" && fixed === undefined)
      return { path: "ips", message: "is required: the addresses to answer" };
    if (mode === "flap" && sets === undefined)
      return { path: "sets", message: "is required: the lists of addresses to answer in turn" };
    if (mode === "ttl" && current.ttl === undefined)
      return { path: "ttl", message: "is required: the time to live to answer with" };
    return dnsMistake(current);
  },
  shared: ({ now, evicted }): Shared => ({
    began: now(),
    remembered: new BoundedMap(ANSWERS_REMEMBERED, evicted),
  }),
  query: (scope, question) => new DnsAnswer(scope, question),
});
