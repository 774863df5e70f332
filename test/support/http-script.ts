/** Plays one script of writes and ends on a connection, directly or through a proxy, and says what both peers saw after each step. */
import { createHash } from "node:crypto";
import type { Client, Upstream } from "./lab.js";
import { turns } from "./lab.js";
import type { HttpLab } from "./http-lab.js";

/**
 * Who does what: a text that is neither `fin` nor `rst` is written, pieces each in a turn of its own. Behind "held"
 * the proxy may still wait for more: what is seen is looked at after the next step.
 */
export type Step = readonly [
  who: "client" | "server",
  what: string | Buffer | readonly (string | Buffer)[],
  held?: "held",
];

/** What both peers have read so far, and how the other one's side ended for them. */
export interface Seen {
  readonly client: string;
  readonly server: string;
}

/** How long a peer that is to see something may take, in turns of the event loop. */
const TURNS_MAX = 3_000;

export class Stage {
  readonly client: Client;
  #server: Client | null = null;

  constructor(client: Client, upstream: Upstream) {
    this.client = client;
    void upstream.next().then((server) => (this.#server = server));
  }

  get server(): Client | null {
    return this.#server;
  }

  get seen(): Seen {
    return { client: told(this.client), server: told(this.#server) };
  }

  /** Carries a step out. The server cannot before it has been reached. */
  async do([who, what]: Step): Promise<void> {
    if (who === "server")
      for (let turn = 0; this.#server === null && turn < TURNS_MAX; turn++) await turns(1);
    const peer = who === "client" ? this.client : this.#server;
    if (peer === null) throw new Error("the server was not reached");
    if (what === "fin") peer.fin();
    else if (what === "rst") peer.rst();
    else if (typeof what === "string") peer.write(Buffer.from(what, "latin1"));
    else if (Buffer.isBuffer(what)) peer.write(what);
    else
      for (const piece of what) {
        peer.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
        await turns(1);
      }
  }

  /** Waits until that is seen, or for so long that it evidently never will be; answers what is seen then. */
  async see(expected: Seen): Promise<Seen> {
    for (let turn = 0; turn < TURNS_MAX && !same(this.seen, expected); turn++) await turns(1);
    // Whatever comes too much comes now.
    await turns(10);
    return this.seen;
  }
}

function same(a: Seen, b: Seen): boolean {
  return a.client === b.client && a.server === b.server;
}

function told(peer: Client | null): string {
  if (peer === null) return "";
  const { bytes, end } = peer;
  const text = bytes.length <= 10_000 ? bytes.toString("latin1") : `${bytes.length} bytes ${sha(bytes)}`;
  return end === null ? text : `${text}|${typeof end === "string" ? end : end.error}`;
}

function sha(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What the peers of a direct connection see after each step. */
export async function playDirectly(lab: HttpLab, steps: readonly Step[]): Promise<Seen[]> {
  const upstream = await lab.upstream();
  const stage = new Stage(lab.client(upstream.port), upstream);
  const seen: Seen[] = [];
  for (const step of steps) {
    await stage.do(step);
    await turns(40);
    seen.push(stage.seen);
  }
  return seen;
}

/** The same through a proxy: stops at the first step after which not all is as expected. */
export async function playThrough(
  client: Client,
  upstream: Upstream,
  steps: readonly Step[],
  expected: readonly Seen[],
): Promise<Seen[]> {
  const stage = new Stage(client, upstream);
  const seen: Seen[] = [];
  for (const [index, step] of steps.entries()) {
    await stage.do(step);
    const wanted = expected[index] ?? { client: "", server: "" };
    if (step[2] === "held") {
      await turns(10);
      seen.push(wanted);
      continue;
    }
    const now = await stage.see(wanted);
    seen.push(now);
    if (!same(now, wanted)) break;
  }
  return seen;
}

/** Sizes that one cuts bytes into. */
export type Split = "whole" | "byte by byte" | "at random";

export function split(bytes: Buffer, how: Split, random: () => number): Buffer[] {
  if (how === "whole") return [bytes];
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = how === "byte by byte" ? 1 : 1 + Math.floor(random() * Math.min(40, bytes.length / 3));
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
