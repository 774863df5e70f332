/** Plays rounds: one fault on one proxy, bots that ask in their own ways, and then the books. */
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";
import { startSquall, type JournalEntry, type Squall } from "../../../src/index.js";
import { randomOf } from "../scripted-traffic.js";
import { disagreements, Figures, type Bytes } from "./audit.js";
import { CountingConnection, type Seen } from "./client.js";
import { CountingServer } from "./server.js";
import { SETTINGS, type Setting } from "./settings.js";
import { sample } from "../scope.js";

export interface Played {
  readonly rounds: number;
  readonly exchanges: number;
  /** `latency {"type":…} on pool: …`, for each pair of books that do not agree. */
  readonly wrong: readonly string[];
}

export interface Plan {
  readonly seed: number;
  /** So many times through all settings. */
  readonly passes: number;
  /** Every so-many-th setting, from this one on; by default all of them. */
  readonly share?: { readonly from: number; readonly each: number };
  /** Each on all proxies on which it can act, and not on one that is drawn. */
  readonly everywhere: boolean;
  /** Bots speak TLS to the proxies. */
  readonly secure?: boolean;
}

/** `SQUALL_BOOKS_ONLY=flap,drain` plays these alone. */
const ONLY = process.env["SQUALL_BOOKS_ONLY"]?.split(",");

type Kind = Setting["on"][number];
type Random = ReturnType<typeof randomOf>;

const BOTS = 5;
const EACH = 5;
/**
 * A round takes less than a second where the machine is idle; what takes so long has no end. Counted in turns of this process, which
 * has clients, proxy and servers in it: when the machine stands still, or others have it, that is one turn, however long it takes.
 */
const PATIENCE_TURNS = 400;
const TURN_MS = 50;

export async function play({
  seed,
  passes,
  everywhere,
  share = { from: 0, each: 1 },
  secure = false,
}: Plan): Promise<Played> {
  const stage = await Stage.open(secure);
  const random = randomOf(seed, "books");
  const wrong: string[] = [];
  let rounds = 0;
  try {
    for (let pass = 0; pass < passes; pass++) {
      const settings = sample(SETTINGS, 1, ({ fault }) => fault.type).filter(
        (_setting, index) => index % share.each === share.from,
      );
      const turns = settings.flatMap((setting) => {
        if (ONLY !== undefined && !ONLY.includes(setting.fault.type)) return [];
        const kinds = everywhere ? setting.on : setting.on.slice(0, 1).map(() => drawn(setting.on, random));
        return kinds.map((kind) => ({ setting, kind }));
      });
      for (let left = turns.length; left > 0; left--) {
        const [turn] = turns.splice(random.integer(left), 1);
        if (turn === undefined) continue;
        rounds++;
        const { setting, kind } = turn;
        const { SQUALL_BOOKS_TRACE: trace } = process.env;
        if (trace !== undefined) console.error("begins", kind, JSON.stringify(setting.fault));
        const found = await stage.round(setting, kind, random);
        if (process.env["SQUALL_BOOKS_TRACE"] !== undefined)
          console.error(kind, JSON.stringify(setting.fault), stage.exchanges, found.join("\n    "));
        wrong.push(...found.map((what) => `${JSON.stringify(setting.fault)} on ${kind}: ${what}`));
      }
    }
  } finally {
    await stage.close();
  }
  return { rounds, exchanges: stage.exchanges, wrong };
}

function drawn<T>(list: readonly T[], random: Random): T {
  const one = list[random.integer(list.length)];
  if (one === undefined) throw new Error("nothing to draw from");
  return one;
}

class Stage {
  readonly #squall: Squall;
  readonly #servers: readonly CountingServer[];
  exchanges = 0;

  /** Whom bots trust; null where they speak no TLS. */
  readonly ca: string | null;

  private constructor(squall: Squall, servers: readonly CountingServer[], secure: boolean) {
    this.#squall = squall;
    this.ca = secure ? squall.ca : null;
    this.#servers = servers;
  }

  static async open(secure: boolean): Promise<Stage> {
    const servers = await Promise.all([CountingServer.start(), CountingServer.start()]);
    const [a, b] = servers.map(({ port }) => `http://127.0.0.1:${port}`);
    const bots = { identify: [{ header: "x-bot" }] };
    const spoken = { listen: "127.0.0.1:0", secure };
    const squall = await startSquall({
      tls: secure,
      config: {
        journal: { keep: 100_000 },
        proxies: {
          single: { ...spoken, upstream: a, ...bots },
          pool: { ...spoken, upstreams: { a, b }, ...bots },
          stream: { ...spoken, upstream: `tcp://127.0.0.1:${servers[0].port}` },
        },
      },
    });
    return new Stage(squall, servers, secure);
  }

  async round(setting: Setting, kind: Kind, random: Random): Promise<string[]> {
    const squall = this.#squall;
    const { port } = squall.proxies.get(kind);
    const [last] = squall.journal({ limit: 1 }).slice(-1);
    const since = last?.seq ?? 0;
    const before = new Figures(await squall.metrics());
    for (const server of this.#servers) server.forget();
    await squall.activate([{ ...setting.fault, proxy: kind }], { seed: random.integer(1_000_000) });
    const people = Array.from(
      { length: BOTS },
      (_, index) => new Person(this, setting, kind, port, `bot-${index}`, random.integer(2 ** 31)),
    );
    const stuck = await this.#lived(people, kind, before);
    await squall.heal();
    for (const person of people) person.leave();
    const after = await this.#quiet(kind);
    if (stuck.length > 0) return stuck;
    const seen = people.flatMap((person) => person.seen);
    this.exchanges += seen.length;
    const { type } = setting.fault;
    return disagreements({
      proxy: kind,
      fault: type,
      type,
      before,
      after,
      entries: squall.journal({ since, limit: 100_000 }),
      seen,
      asked: this.#servers.flatMap(({ asked }) => [...asked]),
      tried: people.reduce((sum, person) => sum + person.tried, 0),
      opened: people.reduce((sum, person) => sum + person.opened, 0),
      resets: people.reduce((sum, person) => sum + person.resets, 0),
      spares: FAULT_TYPES.find((one) => one.type === type)?.spares ?? [],
      http: kind !== "stream",
      bytes: {
        clients: sumOf(people.flatMap((person) => person.connections.map(({ bytes }) => bytes))),
        servers: sumOf(this.#servers.map(({ bytes }) => bytes)),
      },
      losesRequests: setting.losesRequests === true,
      losesClients: setting.losesClients === true,
      losesBytes: ["truncate", "half_open", "dns_rcode", "dns_answer"].includes(type),
    });
  }

  /** Who does not come to an end, and what for; with what the proxy has of them, for whoever looks for the cause. */
  async #lived(people: readonly Person[], kind: Kind, before: Figures): Promise<string[]> {
    let longest = 0;
    let isOver = (): boolean => false;
    const lives = Promise.all(people.map((person) => person.live())).then(() => (isOver = () => true));
    for (let turns = 0; turns < PATIENCE_TURNS && !isOver(); turns++) {
      const began = performance.now();
      await Promise.race([lives, new Promise((resolve) => setTimeout(resolve, TURN_MS))]);
      longest = Math.max(longest, performance.now() - began);
    }
    if (isOver()) return [];
    const now = new Figures(await this.#squall.metrics());
    const figure = (name: string): number => now.sum(name, { proxy: kind });
    const accepted =
      figure("squall_connections_total") - before.sum("squall_connections_total", { proxy: kind });
    const opened = people.reduce((sum, person) => sum + person.opened, 0);
    const state =
      `${opened} connections opened, ${accepted} accepted, ${figure("squall_connections_active")} active; ` +
      `longest turn ${longest.toFixed(0)} ms`;
    const stuck = people.flatMap(({ waitsFor }) =>
      waitsFor === null ? [] : [`nothing comes of ${waitsFor} (${state})`],
    );
    for (const person of people) person.giveUp();
    return stuck;
  }

  /** When nothing is under way any more: the same figures twice. */
  async #quiet(proxy: string): Promise<Figures> {
    let text = "";
    for (let looks = 0; looks < 300; looks++) {
      const now = (await this.#squall.metrics()).replace(/^(?:process|nodejs)_.*$/gmu, "");
      const figures = new Figures(now);
      if (now === text && figures.sum("squall_connections_active", { proxy }) === 0) return figures;
      text = now;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return new Figures(text);
  }

  /** The server has been asked for this, by whatever way it came. */
  heard(path: string): Promise<void> {
    return Promise.race(this.#servers.map((server) => server.heard(path)));
  }

  /** The fault has taken hold of the exchange with this path, or nobody wants to know any more: looking for ever would slow all rounds down. */
  async held(path: string, isOver: () => boolean): Promise<void> {
    const hit = (entry: JournalEntry): boolean => entry.kind === "fault_hit" && entry.exchange?.path === path;
    while (!isOver() && !this.#squall.journal({ kind: "fault_hit", limit: 500 }).some(hit))
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async close(): Promise<void> {
    await this.#squall.stop();
    for (const server of this.#servers) server.close();
  }
}

function sumOf(all: readonly Bytes[]): Bytes {
  return all.reduce((sum, one) => ({ got: sum.got + one.got, sent: sum.sent + one.sent }), {
    got: 0,
    sent: 0,
  });
}

let paths = 0;

/** One bot: patient or not, with a connection for long or for each request. */
class Person {
  readonly seen: Seen[] = [];
  readonly connections: CountingConnection[] = [];
  tried = 0;
  opened = 0;
  resets = 0;
  readonly #stage: Stage;
  readonly #setting: Setting;
  readonly #kind: Kind;
  readonly #port: number;
  readonly #bot: string;
  readonly #random: Random;
  #connection: CountingConnection | null = null;

  constructor(stage: Stage, setting: Setting, kind: Kind, port: number, bot: string, seed: number) {
    this.#stage = stage;
    this.#setting = setting;
    this.#kind = kind;
    this.#port = port;
    this.#bot = bot;
    this.#random = randomOf(seed, bot);
  }

  /** What it waits for; null when it has done all that it wanted. */
  waitsFor: string | null = "its turn";
  #given = false;

  async live(): Promise<void> {
    for (let left = EACH; left > 0 && !this.#given; left--) await this.#ask();
    this.leave();
    this.waitsFor = null;
  }

  giveUp(): void {
    this.#given = true;
    this.leave();
  }

  leave(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #ask(): Promise<void> {
    const random = this.#random;
    if (this.#connection === null || this.#connection.over || random.chance(0.3)) {
      this.leave();
      this.#connection = new CountingConnection(this.#port, this.#stage.ca);
      this.connections.push(this.#connection);
      this.tried++;
      if (!(await this.#connection.opened())) return;
      this.opened++;
    }
    const connection = this.#connection;
    const impatient = this.#kind !== "stream" && this.#setting.patient !== true && random.chance(0.15);
    const place = impatient ? "never" : (["jobs", "made", "gone", "chunked"][random.integer(4)] ?? "jobs");
    const path = `/${place}/${++paths}`;
    const method = random.chance(0.3) ? "POST" : "GET";
    const seen = connection.send(method, path, this.#bot, method === "POST" ? "x".repeat(200) : "");
    this.seen.push(seen);
    this.waitsFor = `${method} ${path}`;
    const last = !impatient && random.chance(0.25);
    if (last) connection.halfClose();
    let isAnswered = false;
    const answered = connection.answer(seen).then(() => {
      isAnswered = true;
      return "answered" as const;
    });
    const enough = [
      ...(impatient ? [this.#stage.heard(path)] : []),
      ...(this.#setting.hangs === true ? [this.#stage.held(path, () => isAnswered)] : []),
    ].map((one) => one.then(() => "enough" as const));
    if ((await Promise.race([answered, ...enough])) === "answered") {
      if (last) this.leave();
      return;
    }
    const how = random.chance(0.5) ? "reset" : "fin";
    // What is sent to it afterwards meets an RST, however it left.
    this.resets++;
    connection.leave(seen, how);
    await answered;
    seen.end = "left";
    this.#connection = null;
  }
}
