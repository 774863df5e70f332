/** A compiled profile in sentences: one for each fault, said so that a tester can check it against what happens. */
import type { MatchEntry } from "../config/match.js";
import type { Ramp } from "../config/ramp.js";
import { perKeys, type WhenEntry } from "../config/conditions.js";
import { headerOf, type DrawEntry } from "../config/draw.js";
import { formatDuration, formatRate, formatRatio, formatSize } from "../core/units.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import { onUpstream } from "../faults/dns.js";
import { oneOf, quantityOf } from "../faults/params.js";
import { aboutExchanges, CIPHERTEXT } from "../faults/subjects.js";
import { allOf, ordinal, ordinalsInWords } from "./ordinals.js";
import { needsExchanges } from "./subjects.js";
import type { CompiledFault, CompiledPhase, CompiledProfile } from "./value.js";

const QUERIES = "queries";
const HANDSHAKES = "handshakes";
const BODIED = "exchanges or datagrams";

type Types = ReadonlyMap<string, AnyFaultType>;

/** The lines of `squall explain`. */
export function explainProfile(profile: CompiledProfile, types: Types): string[] {
  const lines = profile.faults.map((fault) => explainFault(fault, types, null));
  if (profile.phases.length > 0) lines.push(timeline(profile));
  for (const phase of profile.phases) {
    if (phase.faults.length === 0) lines.push(`Phase ${phase.phase}: nothing is disturbed.`);
    for (const fault of phase.faults) lines.push(explainFault(fault, types, phase));
  }
  return lines.length === 0 ? ["Nothing is disturbed."] : lines;
}

/** "On every proxy, 30% of connections: delays every byte by 200ms, downstream, from 5s to 25s of phase crash." */
export function explainFault(fault: CompiledFault, types: Types, phase: CompiledPhase | null): string {
  const type = types.get(fault.type);
  const what = type === undefined ? `does what ${fault.type} does` : type.explain(fault.params);
  const noun = nounOf(fault, type);
  const parts = [
    type?.upstreams === undefined
      ? `${where(fault, noun)}, ${subjects(fault, noun)}: ${what}`
      : `${poolOf(fault)}: ${what}`,
    ...place(fault, type),
    ...ramps(fault, type),
    ...(fault.directions === null
      ? []
      : [fault.directions === "both" ? "in both directions" : fault.directions]),
    ...span(fault.when, phase),
  ];
  return `${parts.join(", ")}.`;
}

function where({ proxies, params, at }: CompiledFault, noun: string): string {
  if (proxies === null && noun === QUERIES)
    return onUpstream(params) ? "On every proxy with an upstream" : "On every dns proxy";
  if (proxies === null && (noun === HANDSHAKES || at === CIPHERTEXT)) return "On every proxy with TLS";
  if (proxies === null && noun === BODIED) return "On every http and udp proxy";
  if (proxies === null) return noun === "exchanges" ? "On every http proxy" : "On every proxy";
  return proxies.length === 1 ? `On proxy ${proxies[0] ?? ""}` : `On proxies ${allOf(proxies)}`;
}

/** A fault on a pool acts on the whole of it. */
function poolOf({ proxies }: CompiledFault): string {
  if (proxies === null) return "On every pool";
  return proxies.length === 1
    ? `On the pool of proxy ${proxies[0] ?? ""}`
    : `On the pools of proxies ${allOf(proxies)}`;
}

/** A fault on bytes counts connections on some proxies and exchanges on others; where all are hit it is all the same. */
function nounOf(fault: CompiledFault, type: AnyFaultType | undefined): string {
  if (type?.query !== undefined) return QUERIES;
  if (type?.handshake !== undefined) return HANDSHAKES;
  if (type !== undefined && fault.draw !== undefined && !aboutExchanges(type, fault.at)) return "datagrams";
  if (type === undefined || !aboutExchanges(type, fault.at)) return "connections";
  if (needsExchanges(fault, type)) return "exchanges";
  if (fault.draw !== undefined) return type.datagram === undefined ? "exchanges" : BODIED;
  const { probability = 1, skip, every, count, only } = fault.when;
  const some = probability !== 1 || [skip, every, count, only].some((rule) => rule !== undefined);
  return some ? "connections or exchanges" : "connections";
}

function subjects({ match, except, when, draw }: CompiledFault, noun: string): string {
  const of =
    match.length === 0
      ? noun
      : match.map((entry, index) => entryWords(entry, index === 0 ? noun : "")).join(" or ");
  const but =
    except.length === 0
      ? ""
      : ` except ${except.map((entry, index) => entryWords(entry, index === 0 ? "those" : "")).join(" or ")}`;
  return `${share(when)}${of}${but}${counted(when)}${draw === undefined ? "" : ` (${drawn(draw)})`}`;
}

/** "drawn by header idempotency-key, each attempt anew" */
function drawn({ by, attempt }: DrawEntry): string {
  const header = headerOf(by);
  return `drawn by ${header === null ? by : `header ${header}`}${attempt === true ? ", each attempt anew" : ""}`;
}

/** "POST requests to /v1/jobs/:id with header x-tenant acme". A noun that is empty has been said before. */
function entryWords(entry: MatchEntry, noun: string): string {
  const { method, path, host, bot, client, sni, alpn, upstream, status, qname, qtype, transport } = entry;
  const words = [
    ...(method === undefined
      ? qtype === undefined
        ? [noun]
        : [`${oneOf(qtype)} queries`]
      : [`${oneOf(method)} requests`]),
    ...(qname === undefined ? [] : [`for ${oneOf(qname)}`]),
    ...(transport === undefined ? [] : [`over ${oneOf(transport)}`]),
    ...(path === undefined ? [] : [`to ${oneOf(path)}`]),
    ...(host === undefined ? [] : [`for host ${oneOf(host)}`]),
    ...named("header", entry.header),
    ...named("query parameter", entry.query),
    ...(bot === undefined ? [] : [`of bot ${oneOf(bot)}`]),
    ...(client === undefined ? [] : [`from ${oneOf(client)}`]),
    ...(sni === undefined ? [] : [`for ${oneOf(sni)} over TLS`]),
    ...(alpn === undefined ? [] : [`offering ${oneOf(alpn)}`]),
    ...(upstream === undefined ? [] : [`on upstream ${oneOf(upstream)}`]),
    ...(status === undefined ? [] : [`answered ${oneOf(status)}`]),
  ];
  return words.filter((word) => word !== "").join(" ");
}

function named(what: string, values: MatchEntry["header"] = {}): string[] {
  const words = Object.entries(values).map(([name, patterns]) =>
    patterns.includes("*") ? name : `${name} ${oneOf(patterns)}`,
  );
  return words.length === 0 ? [] : [`with ${what} ${words.join(" and ")}`];
}

/** Where it acts, if the type knows several places and this is not its first. */
function place({ at }: CompiledFault, type: AnyFaultType | undefined): string[] {
  if (at === "" || at === type?.at?.[0]) return [];
  if (at === "head" || at === "body") return [at === "head" ? "in heads only" : "in bodies only"];
  if (at === "before") return ["before the upstream is asked"];
  if (at === "after") return ["after the upstream has answered"];
  if (at === CIPHERTEXT) return ["on the bytes of TLS with its handshake"];
  if (at === "client_certificate") return ["on the client's certificate"];
  if (at === "established") return ["once the handshake is over"];
  return [`acting on ${at}`];
}

function share({ probability = 1 }: WhenEntry): string {
  if (typeof probability !== "number")
    return `${formatRatio(probability.from)} to ${formatRatio(probability.to)} of `;
  return probability === 1 ? "all " : `${formatRatio(probability)} of `;
}

function counted(when: WhenEntry): string {
  const { skip = 0, every = 1, count, only } = when;
  const rules = [
    ...(only === undefined ? [] : [`only ${ordinalsInWords(only)}`]),
    ...(skip > 0 ? [`leaving the first ${skip} alone`] : []),
    ...(every > 1 ? [`hitting every ${ordinal(every)}`] : []),
    ...(count === undefined ? [] : [count === 1 ? "once" : `${count} times at most`]),
  ];
  const follows = [
    ...(when.follow === undefined ? [] : ["and the retries of those"]),
    ...(when.lasts === undefined ? [] : [`and all of the ${formatDuration(when.lasts)} after a hit`]),
  ];
  if (rules.length === 0) return follows.length === 0 ? "" : ` (${follows.join(", ")})`;
  return ` (${[...rules, ...follows].join(", ")}, counted for each ${allOf(perKeys(when))})`;
}

function ramps(fault: CompiledFault, type: AnyFaultType | undefined): string[] {
  return Object.entries(fault.ramps).map(
    ([name, ramp]) =>
      `${name} going from ${measured(name, ramp.from, type)} to ${measured(name, ramp.to, type)}`,
  );
}

function measured(name: string, value: Ramp["from"], type: AnyFaultType | undefined): string {
  const schema = type?.params.shape[name];
  switch (schema === undefined ? undefined : quantityOf(schema)?.kind) {
    case "duration":
      return formatDuration(value);
    case "size":
      return formatSize(value);
    case "rate":
      return formatRate(value);
    case "ratio":
      return formatRatio(value);
    default:
      return String(value);
  }
}

function span(when: WhenEntry, phase: CompiledPhase | null): string[] {
  const start = when.after ?? 0;
  const of = phase === null ? "" : ` of phase ${phase.phase}`;
  const end = Math.min(when.for === undefined ? Infinity : start + when.for, phase?.for ?? Infinity);
  if (start === 0 && when.for === undefined) return phase === null ? [] : [`in phase ${phase.phase}`];
  if (end === Infinity) return [`from ${formatDuration(start)}${of} on`];
  return [`from ${formatDuration(start)} to ${formatDuration(end)}${of}`];
}

function timeline({ phases, repeat }: CompiledProfile): string {
  const steps = phases.map((phase) =>
    phase.for === null ? `${phase.phase} without end` : `${phase.phase} for ${formatDuration(phase.for)}`,
  );
  const often = repeat === "forever" ? ", over and over" : repeat === 1 ? "" : `, ${repeat} times`;
  return `Phases: ${steps.join(", then ")}${often}.`;
}
