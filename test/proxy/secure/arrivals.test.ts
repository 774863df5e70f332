/**
 * The table of arrivals: how far a client that speaks TLS is, and what happens next, on proxies of both protocols and in all modes.
 * A line says what the client sees, what reaches the upstream and what is told; behind the stroke, what comes when nothing holds it
 * up any more.
 */
import { describe, expect, it } from "vitest";
import {
  Arrival,
  EVENTS,
  MODES,
  PLANES,
  STATES,
  type Event,
  type Mode,
  type Plane,
  type State,
} from "../../support/arrivals.js";
import { sample } from "../../support/scope.js";
import { codeOf } from "../../tls/alert-codes.js";

/** What a whole hello brings: a flight of ours, or the upstream gets it. */
const GOES_ON = "(it goes on)";

const BEFORE_THE_HELLO: Partial<Record<Event, string>> = {
  "the rest of a hello": `${GOES_ON} / nothing`,
  "garbage": "alert decode_error, FIN; client_tls / over",
  "time-out": "FIN; client_tls / over",
};

/** For as long as a hello waits for something, whatever that is. */
const WAITING: Partial<Record<Event, string>> = {
  "plain bytes": "nothing / flight, FIN; client_tls",
  "the rest of a hello": "nothing / flight, FIN; client_tls",
  "garbage": "nothing / flight, FIN; client_tls",
  // Nobody waits for us but the client, and a fault may hold it as long as it likes.
  "time-out": `nothing / ${GOES_ON}`,
};

/** How long a client has patience is told, and so is that nobody knows. */
const HELD: Partial<Record<Event, string>> = {
  ...WAITING,
  // Its failure is its own, behind a fault that has gone; that one has acted on it is told all the same.
  "plain bytes": "nothing / flight, FIN; client_tls; took undecided",
  "the rest of a hello": "nothing / flight, FIN; client_tls; took undecided",
  "garbage": "nothing / flight, FIN; client_tls; took undecided",
  "FIN": "FIN; took closed / over",
  "RST": "nothing; took reset / nothing",
  "stop": "FIN; took undecided / over",
  "switched off": "FIN; took undecided / over",
  "end of a drain": "FIN; took undecided / over",
  "heal": `${GOES_ON} / nothing`,
  "another fault": `${GOES_ON} / nothing`,
};

/** By OpenSSL, in the TLS of the connection. */
const UNEXPECTED = codeOf("unexpected_message");

/** What differs from ANYWHERE. */
const TABLE: Readonly<Record<State, Partial<Record<Event, string>>>> = {
  "nothing sent": {
    ...BEFORE_THE_HELLO,
    "plain bytes": "FIN; client_tls / over",
    // A port that somebody has a look at is no failure.
    "RST": "nothing / nothing",
    "drain": "FIN / over",
  },
  "part of a hello": {
    ...BEFORE_THE_HELLO,
    "plain bytes": "nothing / nothing",
    "FIN": "FIN; client_tls / over",
    "RST": "nothing; client_tls / nothing",
  },
  "a fault that hangs": HELD,
  "a fault that waits": HELD,
  "a fault that holds": HELD,
  "waiting for the CA": WAITING,
  "asking the upstream": { ...WAITING, "time-out": "flight, FIN; client_tls / over" },
  "a handshake": {
    "plain bytes": "alert protocol_version, FIN; client_tls / over",
    "the rest of a hello": "alert protocol_version, FIN; client_tls / over",
    "garbage": "alert protocol_version, FIN; client_tls / over",
    "FIN": "FIN; client_tls / over",
    "RST": "nothing; client_tls / nothing",
    "time-out": "FIN; client_tls / over",
  },
  "handed over": {
    "plain bytes": "nothing; upstream bytes / nothing; upstream bytes",
    "the rest of a hello": `${UNEXPECTED}; upstream RST; client_tls / over`,
    "garbage": `${UNEXPECTED}; upstream RST; client_tls / over`,
    "FIN": "nothing; upstream FIN / nothing; upstream FIN",
    "RST": "nothing; upstream RST; client_reset / nothing; upstream RST",
    "stop": "FIN; upstream FIN / over",
    "switched off": "FIN; upstream FIN / over",
    "end of a drain": "FIN; upstream FIN / over",
  },
};

const ANYWHERE: Readonly<Record<Event, string>> = {
  "plain bytes": "",
  "the rest of a hello": "",
  "garbage": "",
  "FIN": "FIN / over",
  "RST": "nothing / nothing",
  "time-out": `nothing / ${GOES_ON}`,
  "heal": `nothing / ${GOES_ON}`,
  "another fault": `nothing / ${GOES_ON}`,
  "stop": "FIN / over",
  "switched off": "FIN / over",
  "no TLS any more": `nothing / ${GOES_ON}`,
  "another mode": `nothing / ${GOES_ON}`,
  "moved": `nothing / ${GOES_ON}`,
  "drain": `nothing / ${GOES_ON}`,
  "end of a drain": "FIN / over",
  "limit reached": `nothing; connection_limit / ${GOES_ON}`,
};

function expected(plane: Plane, mode: Mode, state: State, event: Event): string {
  const line = differently(plane, mode, state, event) ?? TABLE[state][event] ?? ANYWHERE[event];
  const [first = "", then = ""] = line.split(" / ");
  return [first, then].map((part) => part.replace(GOES_ON, goesOn(plane, mode, state))).join(" / ");
}

function goesOn(plane: Plane, mode: Mode, state: State): string {
  if (state === "a handshake") return "nothing";
  if (state === "handed over") return plane === "http" ? "200; upstream bytes" : "nothing; upstream bytes";
  return mode === "passthrough" ? "nothing; upstream hello" : "flight";
}

/** Where a protocol or a mode has it in another way. */
function differently(plane: Plane, mode: Mode, state: State, event: Event): string | undefined {
  if (state === "nothing sent" && event === "plain bytes") {
    if (mode === "detect") return "nothing; upstream bytes / nothing";
    return plane === "http" ? "400, FIN; client_tls / over" : undefined;
  }
  if (mode === "passthrough") return inPassthrough(state, event);
  if (plane === "http" && state === "handed over") return HTTP_HANDED_OVER[event];
  return undefined;
}

/** No exchange is under way, so that the upstream has not been dialled. */
const HTTP_HANDED_OVER: Partial<Record<Event, string>> = {
  "plain bytes": "nothing; upstream bytes / 200; upstream bytes",
  "the rest of a hello": `${UNEXPECTED}; client_tls / over`,
  "garbage": `${UNEXPECTED}; client_tls / over`,
  "FIN": "FIN / over",
  "RST": "nothing; client_reset / nothing",
  "stop": "FIN / over",
  "switched off": "FIN / over",
  "drain": "FIN / over",
  "end of a drain": "FIN / over",
};

/** Bytes are bytes there, and the hello itself is the first of those that reach the upstream. */
function inPassthrough(state: State, event: Event): string | undefined {
  const bytes = event === "plain bytes" || event === "the rest of a hello" || event === "garbage";
  if (bytes && state.startsWith("a fault that")) return "nothing / nothing; upstream TLS";
  if (!bytes || state !== "handed over") return undefined;
  const what = { "plain bytes": "bytes", "the rest of a hello": "hello", "garbage": "TLS" }[event];
  return `nothing; upstream ${what} / nothing; upstream bytes`;
}

/** Some are not to be had: nobody asks the upstream, or there is no handshake of ours. */
function exists(plane: Plane, mode: Mode, state: State): boolean {
  if (mode === "passthrough")
    return plane === "tcp" && !["a handshake", "waiting for the CA", "asking the upstream"].includes(state);
  return state !== "asking the upstream" || plane === "tcp";
}

describe("whatever happens to a client that speaks TLS, it is told what is so, and nothing is left", () => {
  for (const plane of PLANES)
    for (const mode of MODES)
      for (const state of STATES) {
        if (!exists(plane, mode, state)) continue;
        it(`${plane}, ${mode}: ${state}`, async () => {
          const wrong: string[] = [];
          for (const event of sample(EVENTS, 7, undefined, `${plane} ${mode} ${state}`)) {
            const line = await new Arrival(plane, mode, state).play(event).catch(String);
            const right = expected(plane, mode, state, event);
            if (line !== right) wrong.push(`${event}: ${line}, and not ${right}`);
          }
          expect(wrong).toEqual([]);
        });
      }
});
