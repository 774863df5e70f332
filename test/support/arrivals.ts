/**
 * One cell of the table of arrivals over real sockets: a client that speaks TLS to a proxy, how far it is, and what happens next.
 * What both its ends came to see and what was told is handed back as one line; what must hold in every cell is checked here.
 */
import { connect as connectTls } from "node:tls";
import { expect } from "vitest";
import { z } from "zod";
import { VirtualClock } from "../../src/core/clock.js";
import { defineFault, wait, type AnyFaultType, type GateVerdict } from "../../src/faults/contract/index.js";
import type { CompiledFault } from "../../src/plan/value.js";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import type { ProxySpecBase } from "../../src/proxy/spec-base.js";
import { MIRROR, type SecureSpec } from "../../src/proxy/secure/spec.js";
import type { TcpProxy } from "../../src/proxy/tcp/proxy.js";
import { alertName } from "../../src/tls/alert.js";
import type { Contexts } from "../../src/tls/contexts.js";
import type { AuthorityDoor, Door } from "../../src/tls/door.js";
import { recorded } from "../tls/hellos.js";
import { get, ok } from "./http-lab.js";
import { Client, fault, turns, until, type Upstream } from "./lab.js";
import { SecureLab, secureSpec, theDoor } from "./secure-lab.js";

export const PLANES = ["tcp", "http"] as const;
export type Plane = (typeof PLANES)[number];
export const MODES = ["terminate", "detect", "passthrough"] as const;
export type Mode = (typeof MODES)[number];

/** How far a client is. */
export const STATES = [
  "nothing sent",
  "part of a hello",
  "a fault that hangs",
  "a fault that waits",
  "a fault that holds",
  "waiting for the CA",
  "asking the upstream",
  "a handshake",
  "handed over",
] as const;
export type State = (typeof STATES)[number];

export const EVENTS = [
  "plain bytes",
  "the rest of a hello",
  "garbage",
  "FIN",
  "RST",
  "time-out",
  "heal",
  "another fault",
  "stop",
  "switched off",
  "no TLS any more",
  "another mode",
  "moved",
  "drain",
  "end of a drain",
  "limit reached",
] as const;
export type Event = (typeof EVENTS)[number];

const HELLO_TIMEOUT = 5_000;
const HOLD = 3_600_000;

/** Holds hellos in all ways in which a fault can. */
const holding: AnyFaultType = defineFault({
  type: "test_hello",
  summary: "",
  example: {},
  effects: { hit: "" },
  explain: () => "",
  params: z.object({ verdict: z.enum(["hang", "wait", "hold", "pass"]) }),
  directions: null,
  handshake: (scope) => ({
    hello: (): GateVerdict => {
      const { verdict } = scope.params;
      if (verdict === "pass") return { do: "pass" };
      scope.count("hit");
      if (verdict === "wait") return wait;
      return verdict === "hang" ? { do: "hang" } : { do: "hold", for: HOLD };
    },
    wakeAt: Infinity,
  }),
});

const testHello = (verdict: string): CompiledFault => ({
  ...fault("blackhole"),
  name: "test_hello",
  type: "test_hello",
  params: { verdict },
  directions: "both",
});

/** The CA that is opened when told. */
class SlowDoor implements AuthorityDoor {
  opened: Contexts | null = null;
  readonly #door: Door;
  #open: () => void = () => undefined;
  readonly #opening: Promise<void>;

  constructor(door: Door) {
    this.#door = door;
    this.#opening = new Promise((resolve) => (this.#open = resolve));
  }

  async open(): Promise<Contexts> {
    await this.#opening;
    this.opened = await this.#door.open();
    return this.opened;
  }

  letOpen(): void {
    this.#open();
  }
}

/** A hello as it was recorded, with ALPN, of a client that will not answer what comes of it. */
const HELLO =
  recorded.find(({ hello }) => hello.alpn.includes("http/1.1") && !hello.resumes)?.bytes ?? Buffer.alloc(0);
const PART = 20;
const GARBAGE = Buffer.concat([Buffer.from([22, 3, 1]), Buffer.alloc(600, 0xff)]);
const SERVES: Readonly<Record<Plane, string>> = { tcp: "hello!", http: get("/jobs") };

type Change = <Spec extends ProxySpecBase>(spec: Spec) => Spec;

const withoutTls: Change = (spec) => {
  const plain = { ...spec };
  Reflect.deleteProperty(plain, "secure");
  return plain;
};

export class Arrival {
  readonly #lab: SecureLab;
  readonly #time = new VirtualClock(1_000);
  readonly #door = new SlowDoor(theDoor);
  readonly #plane: Plane;
  readonly #mode: Mode;
  readonly #state: State;
  /** What comes over the wire, as it stands there. */
  #wire: Client | null = null;
  /** What comes out of the TLS over it, where the client speaks it to the end. */
  #session: Client | null = null;
  #proxy: TcpProxy | HttpProxy | null = null;
  #upstream: Upstream | null = null;
  /** What the upstream has been told of before. */
  #heard = 0;
  #said = false;
  /** The client has sent nothing at all. */
  get #silent(): boolean {
    return this.#state === "nothing sent" && !this.#said;
  }

  constructor(plane: Plane, mode: Mode, state: State) {
    this.#plane = plane;
    this.#mode = mode;
    this.#state = state;
    this.#lab = new SecureLab({
      clock: this.#time,
      types: [holding],
      authority: this.#door,
      connections: 1,
    });
  }

  /** What the client sees and what is told of it, and then the same when what it waited for comes and it says the rest. */
  async play(event: Event): Promise<string> {
    try {
      await this.#begin();
      const first = await this.#watch(() => this.#do(event));
      const second = this.#client.end === null ? await this.#watch(() => this.#goOn(event)) : "over";
      await this.#leave();
      return `${first} / ${second}`;
    } finally {
      await this.#lab.close();
    }
  }

  get #client(): Client {
    const client = this.#session ?? this.#wire;
    if (client === null) throw new Error("nobody to play with");
    return client;
  }

  async #settle(): Promise<void> {
    await turns(12);
    this.#time.advance(0);
    await turns(12);
  }

  #spec(rest: Partial<SecureSpec> = {}): SecureSpec {
    return secureSpec({
      mode: this.#mode,
      helloTimeout: HELLO_TIMEOUT,
      alpn: this.#state === "asking the upstream" ? MIRROR : ["http/1.1"],
      ...rest,
    });
  }

  async #begin(): Promise<void> {
    const lab = this.#lab;
    const state = this.#state;
    if (state !== "waiting for the CA") {
      this.#door.letOpen();
      await this.#door.open();
    }
    this.#upstream = await lab.upstream();
    const { port } = this.#upstream;
    const secure = this.#spec();
    const tls =
      state === "asking the upstream" ? { tls: { ca: null, insecure: true, servername: null } } : {};
    this.#proxy =
      this.#plane === "tcp" ? await lab.proxy(port, { secure, ...tls }) : await lab.http(port, { secure });
    const held = /^a fault that (hang|wait|hold)s$/u.exec(state)?.[1];
    if (held !== undefined) lab.use([testHello(held)]);
    const wire = lab.client(this.#proxy);
    this.#wire = wire;
    await wire.connected;
    if (state === "part of a hello") wire.write(HELLO.subarray(0, PART));
    else if (state === "handed over" && this.#mode !== "passthrough") await this.#shakeHands(wire);
    else if (state !== "nothing sent") wire.write(HELLO);
    await this.#settle();
    const upstream = this.#upstream;
    if (state === "asking the upstream") await until(() => upstream.accepted.length > 0);
    if (state === "a handshake") await until(() => wire.length > 0);
    await this.#settle();
    this.#reached();
  }

  async #shakeHands({ socket }: Client): Promise<void> {
    const session = connectTls({ socket, servername: "jobs.example", ca: await this.#lab.ca() });
    this.#lab.onEnd(() => session.destroy());
    await new Promise<void>((resolve) => {
      session.once("secureConnect", () => {
        resolve();
      });
    });
    this.#session = new Client(session);
  }

  async #watch(run: () => Promise<void> | void): Promise<string> {
    const client = this.#client;
    const [length, told] = [client.length, this.#lab.facts.all.length];
    await run();
    await this.#settle();
    return [this.#seen(client, length), this.#reached(), ...this.#told(told)]
      .filter((part) => part !== "")
      .join("; ");
  }

  async #do(event: Event): Promise<void> {
    const lab = this.#lab;
    const proxy = this.#proxy;
    const wire = this.#wire;
    const client = this.#client;
    if (wire === null || proxy === null) throw new Error("nobody to play with");
    switch (event) {
      case "plain bytes":
        this.#say(client, SERVES[this.#plane]);
        break;
      case "the rest of a hello":
        this.#say(wire, this.#state === "part of a hello" ? HELLO.subarray(PART) : HELLO);
        break;
      case "garbage":
        this.#say(wire, GARBAGE);
        break;
      case "FIN":
        client.fin();
        break;
      case "RST":
        wire.rst();
        break;
      case "time-out":
        for (let left = 15; left > 0; left--) {
          this.#time.advance(1_000);
          await turns(2);
        }
        break;
      case "heal":
        lab.heal();
        break;
      case "another fault":
        lab.use([testHello("pass")]);
        break;
      case "stop":
        proxy.stop();
        break;
      case "switched off":
        proxy.switchOff();
        break;
      case "no TLS any more":
        await this.#reconfigure(withoutTls);
        break;
      case "another mode": {
        const mode = this.#mode === "terminate" ? "detect" : "terminate";
        await this.#reconfigure((spec) => ({
          ...spec,
          secure: this.#spec({ mode, names: ["other.example"] }),
        }));
        break;
      }
      case "moved": {
        const port = await lab.deadPort();
        await this.#reconfigure((spec) => ({ ...spec, listen: { host: "127.0.0.1", port } }));
        break;
      }
      case "drain":
        void proxy.drain(this.#time.now() + 600_000);
        break;
      case "end of a drain": {
        const drained = proxy.drain(this.#time.now() + 1_000);
        this.#time.advance(1_001);
        await drained;
        break;
      }
      case "limit reached":
        expect(await lab.client(proxy).ended).toBe("reset");
        break;
    }
  }

  #say(client: Client, bytes: Buffer | string): void {
    this.#said = true;
    client.write(bytes);
  }

  async #reconfigure(change: Change): Promise<void> {
    const proxy = this.#proxy;
    if (proxy?.protocol === "http") await proxy.reconfigure(change(proxy.spec));
    else await proxy?.reconfigure(change(proxy.spec));
  }

  /** What it waits for comes, and it says what it had not said. */
  async #goOn(event: Event): Promise<void> {
    const client = this.#client;
    const gone = event === "FIN" || event === "RST";
    this.#door.letOpen();
    this.#lab.heal();
    if (this.#state === "asking the upstream") for (const peer of this.#peers) peer.rst();
    if (gone) return;
    if (this.#state === "handed over") client.write(SERVES[this.#plane]);
    else if (this.#silent) this.#say(client, HELLO);
    else if (!this.#said && this.#state === "part of a hello") client.write(HELLO.subarray(PART));
    await turns(20);
    if (this.#state === "handed over" && this.#plane === "http")
      for (const peer of this.#peers) peer.write(ok("yes"));
  }

  get #peers(): readonly Client[] {
    return this.#upstream?.accepted ?? [];
  }

  #seen(client: Client, from: number): string {
    const bytes = client.bytes.subarray(from);
    const seen = bytes.length > 0 ? [nameOf(bytes)] : [];
    if (client.end === "fin") seen.push("FIN");
    else if (client.end === "reset") seen.push("RST");
    else if (client.end !== null) seen.push(client.end.error);
    return seen.length === 0 ? "nothing" : seen.join(", ");
  }

  /** How many bytes the upstream got since the last time, and its end. */
  #reached(): string {
    if (this.#state === "asking the upstream") return "";
    const [peer] = this.#peers;
    if (peer === undefined) return "";
    const heard = peer.bytes.subarray(this.#heard);
    this.#heard += heard.length;
    const end = peer.end === "fin" ? " and FIN" : peer.end === "reset" ? " and RST" : "";
    if (heard.length === 0) return end === "" ? "" : `upstream${end.slice(4)}`;
    return `upstream ${HELLO.equals(heard) ? "hello" : heard[0] === 22 ? "TLS" : "bytes"}${end}`;
  }

  #told(from: number): string[] {
    return this.#lab.facts.all.slice(from).flatMap((fact) => {
      if (fact.kind === "connection_failed") return [fact.reason];
      if (fact.kind === "tls_over") return [`took ${fact.took}`];
      return fact.kind === "mistake" ? [`mistake ${String(fact.error)}`] : [];
    });
  }

  /** Everybody goes, and nothing holds anybody up: what is left after some seconds is a leak. */
  async #leave(): Promise<void> {
    const lab = this.#lab;
    this.#session?.socket.destroy();
    this.#wire?.socket.destroy();
    await turns(10);
    lab.heal();
    this.#door.letOpen();
    for (const peer of this.#peers) peer.socket.destroy();
    await turns(10);
    this.#time.advance(1_000);
    await until(() => lab.context.slots.taken === 0 && this.#proxy?.stats.connectionsActive === 0);
    await until(() => {
      if (!this.#time.idle) this.#time.advance(1_000);
      return this.#time.idle;
    });
    expect(lab.context.budget.held).toBe(0);
    expect(lab.facts.of("mistake")).toEqual([]);
    // It is told once at the most that a connection failed, and so is how the client took it.
    const told = lab.facts.of("connection_failed").filter(({ reason }) => reason !== "connection_limit");
    expect(told.length).toBeLessThanOrEqual(1);
    expect(lab.facts.of("tls_over").length).toBeLessThanOrEqual(1);
    // A handshake has one result, if it has begun; of a proxy without TLS there is nobody to ask.
    const { handshakes } = this.#proxy ?? {};
    if (handshakes === undefined) return;
    const results = [...handshakes.results.values()].reduce((sum, count) => sum + count, 0);
    expect(results, "results of handshakes").toBe(this.#silent ? 0 : 1);
  }
}

function nameOf(bytes: Buffer): string {
  if (bytes[0] === 22) return "flight";
  if (bytes[0] === 21) return `alert ${alertName(bytes[6] ?? -1) ?? "?"}`;
  const text = bytes.toString("latin1");
  return /^HTTP\/1\.1 (\d{3}) /u.exec(text)?.[1] ?? `bytes ${text}`;
}
