/** Facts as sentences: the same words in the log, in `squall journal` and in the demo. */
import { formatProblem, type Problem } from "../core/errors.js";
import type { ConnectionFailure, ExchangeEnd } from "../core/events.js";
import type { Recorded } from "./entry.js";
import { fleetLine } from "./fleet-sentences.js";
import { inWords, type LineLevel, type LogLine } from "./line.js";

export type Of<K extends Recorded["kind"]> = Extract<Recorded, { kind: K }>;
/** What happened, in one line for people, at the level that it deserves by itself. */
export function lineOf(fact: Recorded): LogLine {
  switch (fact.kind) {
    case "fault_hit":
      return { level: "info", ...hit(fact) };
    case "fault_spared": {
      const detail = fact.detail === undefined ? "" : ` (${inWords(fact.detail)})`;
      return { level: "debug", topic: "spared", text: `${who(fact)}  ${fact.effect}${detail}` };
    }
    case "fault_total":
      return { level: "debug", topic: "total", text: `${who(fact)}  ${inWords(fact.effects)}` };
    case "phase_entered": {
      const pass = fact.pass > 1 ? ` (pass ${fact.pass})` : "";
      return { level: "info", topic: "phase", text: `${fact.activation}  ${fact.phase}${pass}` };
    }
    case "connection_failed":
      return failure(fact);
    case "exchange_over":
      return {
        level: fact.faults.length === 0 ? "debug" : "info",
        topic: "exchange",
        text: exchange(fact),
      };
    case "connection_over": {
      const { proxy, bot, end, seen, faults } = fact;
      const text = `${proxy}  bot ${bot}  ${end.replace("_", " ")}, ${seen.up} bytes up, ${seen.down} down${hitBy(faults)}`;
      return { level: "debug", topic: "over", text };
    }
    case "query_over": {
      const { proxy, bot, query, rcode, faults } = fact;
      const text = `${proxy}  bot ${bot}  ${query.type} ${query.name}: ${rcode ?? "no answer"}${hitBy(faults)}`;
      return { level: "debug", topic: "over", text };
    }
    case "flow_over": {
      const { proxy, bot, seen, faults } = fact;
      const text = `${proxy}  bot ${bot}  ${seen.up} datagrams up, ${seen.down} down${hitBy(faults)}`;
      return { level: "debug", topic: "over", text };
    }
    case "listen_failed":
      return {
        level: "warn",
        topic: "proxy",
        text: `${fact.proxy}  cannot listen on ${fact.listen}, and tries again: ${fact.reason}`,
        fields: fact,
      };
    case "limit_reached":
      return {
        level: "warn",
        topic: "limit",
        text: `${fact.proxy}  reached its limit of ${fact.value} ${fact.limit}`,
        fields: fact,
      };
    case "mistake":
      return {
        level: "error",
        topic: "mistake",
        text: `a mistake of Squall itself in ${fact.where}: ${fact.text}`,
        fields: fact,
      };
    case "activation_started":
      return {
        level: "info",
        topic: "profile",
        text: `${fact.activation}  on${fact.mode === "observe" ? ", only observing" : ""}  seed ${fact.seed}`,
        more: [`again: ${fact.again}`],
      };
    case "activation_resumed":
      return {
        level: "info",
        topic: "profile",
        text: `${fact.activation}  goes on, since ${fact.since}${fact.mode === "observe" ? ", only observing" : ""}  seed ${fact.seed}`,
        more: [`again: ${fact.again}`],
      };
    case "tls_over":
      return {
        level: fact.took === "accepted" && fact.problem !== null ? "warn" : "debug",
        topic: "tls",
        text: handshake(fact),
      };
    case "certificate_reread":
      return rereading(fact);
    case "ca_reread":
      return fact.trouble === undefined
        ? {
            level: "info",
            topic: "tls",
            text: `the CA for bots is ${fact.subject} by now, until ${fact.until}`,
          }
        : { level: "warn", topic: "tls", text: `the CA for bots is ${fact.subject}: ${fact.trouble}` };
    case "activation_ended":
      return {
        level: fact.warnings.length > 0 ? "warn" : "info",
        topic: "profile",
        text: `${fact.activation}  off (${fact.why})`,
        more: [
          ...fact.faults.map((fault) => report(fault, fact.mode)),
          ...fact.warnings.map((warning) => `warning: ${warning}`),
        ],
      };
    case "engine_chosen":
      return {
        level: "info",
        topic: "engine",
        text: `${fact.proxy}/${fact.fault}  by the ${fact.engine}: ${fact.why}`,
      };
    case "kernel_loss_ended":
      return {
        level: "info",
        topic: "engine",
        text: `${fact.proxy}/${fact.fault}  the kernel dropped ${fact.dropped} of ${fact.segments} segments`,
      };
    case "kernel_loss_failed":
      return {
        level: "warn",
        topic: "engine",
        text: `the kernel drops nothing any more, ${fact.again ? "and is asked again" : "so the model takes over"}: ${fact.why}`,
        fields: fact,
      };
    case "fault_set":
    case "fault_changed":
      return { level: "info", topic: "fault", text: own(fact) };
    case "fault_removed":
      return {
        level: "info",
        topic: "fault",
        text: `${fact.proxy}/${fact.fault}  taken away from the proxy`,
        more: [report(fact)],
      };
    case "plan_changed":
      return { level: "debug", topic: "plan", text: `revision ${fact.revision}` };
    case "reload":
      return fact.ok
        ? {
            level: fact.warnings.length > 0 ? "warn" : "info",
            topic: "reload",
            text: fact.changed.length === 0 ? "nothing changed" : fact.changed.join(", "),
            more: fact.warnings,
          }
        : {
            level: "error",
            topic: "reload",
            text: "refused, and what was in force stays",
            more: fact.problems.map((problem: Problem) => formatProblem(problem)),
          };
    case "state_restored":
      return restored(fact);
    case "fleet_connected":
    case "fleet_disconnected":
    case "fleet_applied":
    case "fleet_refused":
    case "fleet_rewound":
    case "fleet_healed_here":
    case "fleet_namesake":
    case "fleet_namesake_gone":
      return fleetLine(fact);
    case "state_failed":
      return {
        level: "error",
        topic: "state",
        text: `cannot write ${fact.file}, so changes would not be there after a restart: ${fact.reason}`,
      };
    case "state_saved":
      return { level: "info", topic: "state", text: `${fact.file} is written again` };
    case "proxy_started":
      return {
        level: "info",
        topic: "proxy",
        text: `${fact.proxy}  listens on ${fact.listen} for ${fact.upstream}`,
      };
    case "proxy_stopped":
      return { level: "info", topic: "proxy", text: `${fact.proxy}  stopped` };
    case "listener_closed":
      return { level: "info", topic: "proxy", text: `${fact.proxy}  does not listen: ${fact.why}` };
    case "listener_opened":
      return { level: "info", topic: "proxy", text: `${fact.proxy}  listens again on ${fact.listen}` };
    case "opaque_connection":
      return {
        // An agreed tunnel is what its client wanted.
        level: SPOKEN.has(fact.protocol) ? "warn" : "info",
        topic: "opaque",
        text: `${fact.proxy}  ${fact.client} ${SPOKEN.get(fact.protocol) ?? `has a tunnel (${fact.protocol})`}: its bytes are passed on unread`,
        fields: fact,
      };
    case "upstream_changed":
      return {
        level: fact.up ? "info" : "warn",
        topic: "upstream",
        text: `${fact.proxy}/${fact.upstream}  ${fact.up ? "is up" : "is down"}: ${fact.why}`,
        fields: fact,
      };
    case "bots_unidentified":
      return {
        level: "warn",
        topic: "bots",
        text: `${fact.proxy}  ALL BOTS LOOK THE SAME: every connection comes from ${fact.client}, so they share one row of draws`,
        more: [`give them addresses of their own, or let \`identify\` or \`proxy_protocol\` tell them apart`],
      };
    case "mark":
      return { level: "info", topic: "mark", text: fact.text };
  }
}

function hit(fact: Of<"fault_hit">): Omit<LogLine, "level"> {
  const amount = fact.amount === 1 ? "" : ` ${fact.amount}`;
  const detail = fact.detail === undefined ? "" : ` (${inWords(fact.detail)})`;
  const what = fact.observed === true ? "would be hit" : `${fact.effect}${amount}${detail}`;
  return { topic: "fault", text: `${who(fact)}  ${what}` };
}

/** `jobs/slow  set on the proxy: latency (delay 200)` */
function own(fact: Of<"fault_set" | "fault_changed">): string {
  const { kind, proxy, fault, type, params, direction, probability } = fact;
  const given = {
    ...params,
    ...(direction === undefined ? {} : { direction }),
    ...(probability === undefined ? {} : { probability }),
  };
  const words = Object.keys(given).length === 0 ? "" : ` (${inWords(given)})`;
  return `${proxy}/${fault}  ${kind === "fault_set" ? "set on the proxy" : "changed"}: ${type}${words}`;
}

type OfSubject = Of<"fault_hit"> | Of<"fault_spared"> | Of<"fault_total">;

function who({ proxy, fault, bot, connection, exchange: name, query, health_check }: OfSubject): string {
  if (health_check !== undefined) return `${proxy}/${fault}  the health check of ${health_check}`;
  if (bot === "" && connection === 0) return `${proxy}/${fault}  the proxy itself`;
  const exchange = name === undefined ? "" : `  ${name.method} ${name.path}`;
  return `${proxy}/${fault}  bot ${bot}${exchange}${query === undefined ? "" : `  ${query.type} ${query.name}`}`;
}

/** What makes the bytes of a connection unreadable that nobody agreed on. */
const SPOKEN: ReadonlyMap<string, string> = new Map([
  ["tls", "speaks TLS, not HTTP/1.1"],
  ["h2", "speaks HTTP/2, not HTTP/1.1"],
  ["ambiguous", "has a message with two meanings on its connection"],
]);

const ENDS: Readonly<Record<ExchangeEnd, string>> = {
  complete: "",
  cut: ", cut short",
  reset: ", reset",
  closed: ", closed",
  client_left: ", left",
};

/** `jobs  bot bot-1  POST /v1/jobs/4/complete  upstream 200 after 4.2 ms, client got nothing, reset after 4.4 ms  [lose-the-ack]` */
function handshake({ proxy, bot, took, problem, sni, faults }: Of<"tls_over">): string {
  const what =
    took === "accepted" && problem !== null
      ? `accepted a certificate that is wrong: ${problem}`
      : tookWords(took);
  const by = faults.length === 0 ? "" : `  [${faults.join(", ")}]`;
  return `${proxy}  ${bot} ${what}${sni === null ? "" : `, for ${sni}`}${by}`;
}

/** How a client took a handshake, as a sentence about it. */
function tookWords(took: string): string {
  if (took === "accepted") return "accepted the handshake";
  if (took === "closed") return "closed before it sent anything";
  if (took === "reset") return "reset before it sent anything";
  if (took === "undecided") return "did not say what it made of the handshake";
  return `refused with the ${took}`;
}

function exchange(fact: Of<"exchange_over">): string {
  const { proxy, bot, exchange: name, upstream_status, upstream_ms, client_status, client_ms, end } = fact;
  const upstream =
    upstream_status === null
      ? "no answer from upstream"
      : `upstream ${upstream_status}${upstream_ms === null ? "" : ` after ${upstream_ms} ms`}`;
  const client = `client got ${client_status ?? "nothing"}${ENDS[end]} after ${client_ms} ms`;
  return `${proxy}  bot ${bot}  ${name.method} ${name.path}  ${upstream}, ${client}${hitBy(fact.faults)}`;
}

function hitBy(faults: readonly string[]): string {
  return faults.length === 0 ? "" : `  [${faults.join(", ")}]`;
}

function restored(fact: Of<"state_restored">): LogLine {
  const what = [
    ...fact.profiles.map((name) => `profile ${name}`),
    ...fact.proxies.map((name) => `proxy ${name}`),
    ...fact.activations.map((id) => `activation ${id}`),
  ];
  return {
    level: fact.left_out.length > 0 ? "warn" : "info",
    topic: "state",
    text: `${fact.file}  restored ${what.length === 0 ? "nothing" : what.join(", ")}`,
    more: [
      ...fact.over.map(({ activation, why }) => `${activation}: over meanwhile (${why})`),
      ...fact.left_out.map(
        ({ what: kind, name, why }) => `left out, and still in the file: ${kind} ${name}: ${why}`,
      ),
    ],
    fields: fact,
  };
}

/** Nobody but whoever runs this machine can help there. */
const LOCAL_LACKS: ReadonlySet<ConnectionFailure> = new Set([
  "descriptor_limit",
  "port_limit",
  "memory_limit",
  "not_permitted",
]);

function failure(fact: Of<"connection_failed">): LogLine {
  const level: LineLevel =
    fact.reason === "internal" ? "error" : LOCAL_LACKS.has(fact.reason) ? "warn" : "info";
  const { proxy, client, bot, reason, text } = fact;
  const who = bot === undefined ? client : `${client}  bot ${bot}`;
  return { level, topic: "failed", text: `${proxy}  ${who}  ${reason}: ${text}`, fields: fact };
}

function rereading({ proxy, cert, trouble, warning }: Of<"certificate_reread">): LogLine {
  if (trouble !== undefined) {
    const text = `${proxy}  ${cert} has changed, and the certificate before stays: ${trouble}`;
    return { level: "warn", topic: "tls", text };
  }
  const text = `${proxy}  ${cert} was read again`;
  return warning === undefined
    ? { level: "info", topic: "tls", text }
    : { level: "warn", topic: "tls", text: `${text}: ${warning}` };
}

function report(
  fault: Of<"activation_ended">["faults"][number] | Of<"fault_removed">,
  mode: Of<"activation_ended">["mode"] = "inject",
): string {
  const { subjects, matched, hits, effects } = fault;
  const done = Object.entries(effects).filter(([, amount]) => amount > 0);
  const did = done.length === 0 ? "" : `: ${inWords(Object.fromEntries(done))}`;
  const hit = mode === "observe" ? "would have hit" : "hit";
  const rest = "not_reached" in fault && fault.not_reached !== undefined ? notReached(fault.not_reached) : "";
  return `${fault.proxy}/${fault.fault}  ${hit} ${hits} of ${matched} matching, of ${subjects} in all${did}${rest}`;
}

/** Ordinals of `only` for which nobody came. */
function notReached(ordinals: readonly number[]): string {
  return ordinals.length === 0 ? "" : `; not reached: ${ordinals.join(", ")}`;
}
