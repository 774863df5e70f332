/** Plays rounds on a udp and a dns proxy: one fault, bots on addresses of their own that send and ask, and then the books. */
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";
import { startSquall, type FaultInput, type Squall } from "../../../src/index.js";
import { randomOf } from "../scripted-traffic.js";
import { faults, Figures, type FaultBooks, type Same } from "./audit.js";
import {
  DATAGRAM_SETTINGS,
  QUESTION_SETTINGS,
  type DatagramSetting,
  type QuestionSetting,
} from "./packet-settings.js";
import {
  codeOf,
  differences,
  DatagramEnd,
  NameServer,
  nameOf,
  question,
  serverCode,
  TcpQuestion,
  TYPES,
  type Type,
} from "./packets.js";
import { sample } from "../scope.js";

export interface PlayedPackets {
  readonly rounds: number;
  readonly datagrams: number;
  readonly questions: number;
  readonly wrong: readonly string[];
}

type Random = ReturnType<typeof randomOf>;

const BOTS = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
const EACH = 12;
/** A round takes less than a second; what takes so long has no end. */
const LOOKS_MAX = 500;
const LOOK_MS = 10;

const DIRECTIONS = ["upstream", "downstream"] as const;
const TYPE_LIST = Object.keys(TYPES) as Type[];

export async function playPackets({
  seed,
  passes,
}: {
  seed: number;
  passes: number;
}): Promise<PlayedPackets> {
  const random = randomOf(seed, "packets");
  const echo = await DatagramEnd.open("127.0.0.1", (payload) => payload);
  const names = await NameServer.open();
  const squall = await startSquall({
    config: {
      journal: { keep: 100_000 },
      proxies: {
        // No flow is over before the last round: its client's port may come again.
        packets: { listen: "127.0.0.1:0", upstream: `udp://127.0.0.1:${echo.port}`, idle_timeout: "6h" },
        names: { listen: "127.0.0.1:0", upstream: `dns://127.0.0.1:${names.port}` },
      },
    },
  });
  const wrong: string[] = [];
  const stage = new Stage(squall, echo, names, random);
  let rounds = 0;
  try {
    for (let pass = 0; pass < passes; pass++) {
      const turns = [
        ...sample(DATAGRAM_SETTINGS, 1, ofType).map((one) => ({
          fault: one.fault,
          play: () => stage.datagramRound(one),
        })),
        ...sample(QUESTION_SETTINGS, 1, ofType).map((one) => ({
          fault: one.fault,
          play: () => stage.questionRound(one),
        })),
      ];
      for (let left = turns.length; left > 0; left--) {
        const [turn] = turns.splice(random.integer(left), 1);
        if (turn === undefined) continue;
        rounds++;
        const found = await turn.play();
        wrong.push(...found.map((what) => `${JSON.stringify(turn.fault)}: ${what}`));
      }
    }
  } finally {
    await squall.stop();
    echo.close();
    names.close();
  }
  return { rounds, datagrams: stage.datagrams, questions: stage.questions, wrong };
}

const ofType = ({ fault }: { readonly fault: { readonly type: string } }): string => fault.type;

class Stage {
  datagrams = 0;
  questions = 0;
  readonly #places = new Set<string>();

  constructor(
    private readonly squall: Squall,
    private readonly echo: DatagramEnd,
    private readonly names: NameServer,
    private readonly random: Random,
  ) {}

  /** Bots send, and the server sends all of it back. */
  async datagramRound(setting: DatagramSetting): Promise<string[]> {
    const proxy = "packets";
    const { echo, random, squall } = this;
    const bots = await Promise.all(BOTS.map((address) => DatagramEnd.open(address)));
    echo.forget();
    const books = await this.#round(proxy, setting.fault, async (moving) => {
      const { port } = squall.proxies.get(proxy);
      for (let n = 0; n < EACH; n++)
        for (const [index, bot] of bots.entries())
          bot.send(Buffer.from(`${index} ${n} ${"x".repeat(random.integer(60))}`), port);
      await moving(() => [echo.got.length, ...bots.map(({ got }) => got.length)]);
    });
    const places = bots.map(({ port }, index) => `${BOTS[index] ?? ""} ${port}`);
    for (const bot of bots) bot.close();
    const { same, found, grown } = books;
    const count = (payloads: readonly (readonly Buffer[])[]): { number: number; bytes: number } => ({
      number: payloads.reduce((sum, list) => sum + list.length, 0),
      bytes: payloads.reduce((sum, list) => sum + list.reduce((bytes, { length }) => bytes + length, 0), 0),
    });
    const sent = { upstream: count(bots.map((bot) => bot.sent)), downstream: count([echo.sent]) };
    const got = { upstream: count([echo.got]), downstream: count(bots.map((bot) => bot.got)) };
    this.datagrams += sent.upstream.number + sent.downstream.number;
    for (const direction of DIRECTIONS) {
      const labels = { proxy, direction };
      if (setting.astray === true) continue;
      same(
        `datagrams that came ${direction}`,
        got[direction].number,
        grown("squall_datagrams_total", labels),
      );
      same(`bytes that came ${direction}`, got[direction].bytes, grown("squall_bytes_total", labels));
      if (!(setting.closed ?? false))
        same(
          `bytes that were sent ${direction}`,
          sent[direction].bytes,
          grown("toxiproxy_proxy_received_bytes_total", labels),
        );
    }
    // The kernel may give a client a port whose flow is still there.
    const fresh = setting.fault.type === "down" ? [] : places.filter((place) => !this.#places.has(place));
    for (const place of fresh) this.#places.add(place);
    same("flows, and clients that are new", fresh.length, grown("squall_connections_total", { proxy }));
    same("datagrams lost without a fault's doing", 0, grown("squall_datagrams_lost_total", { proxy }));
    const effect = (name: string): number => grown("squall_faults_total", { proxy, effect: name });
    const more = effect("duplicated") - effect("lost") - effect("dropped");
    const all = (ends: typeof sent): number => ends.upstream.number + ends.downstream.number;
    if (setting.closed === true) same("datagrams that came through", 0, all(got));
    else
      same("datagrams sent, with those that the fault added and took, and got", all(sent) + more, all(got));
    const spoilt = bots.reduce((sum, bot, index) => sum + differences(echo.sent, bot.got, index), 0);
    const totals = (ends: typeof sent) => ({
      upstream: ends.upstream.number,
      downstream: ends.downstream.number,
    });
    // With `when`, hits may be fewer than what came by.
    for (const [name, is] of Object.entries(
      setting.books?.({ sent: totals(sent), got: totals(got), spoilt }) ?? {},
    ))
      same(`${name}, as both ends counted and as was booked`, is, effect(name));
    return found;
  }

  /** Bots ask, over UDP and over TCP. */
  async questionRound(setting: QuestionSetting): Promise<string[]> {
    const proxy = "names";
    const { names, random, squall } = this;
    const bots = await Promise.all(BOTS.map((address) => DatagramEnd.open(address)));
    names.heard.length = 0;
    const asked: { readonly name: string; readonly type: Type; readonly tcp: TcpQuestion | null }[] = [];
    const books = await this.#round(proxy, setting.fault, async (moving) => {
      const { port } = squall.proxies.get(proxy);
      for (let n = 0; n < EACH; n++)
        for (const [index, bot] of bots.entries()) {
          const name = `${random.chance(0.3) ? "gone" : "here"}-${this.questions++}.test`;
          const type = TYPE_LIST[random.integer(TYPE_LIST.length)] ?? "A";
          const message = question(n + 1, name, type);
          const overTcp = random.chance(0.25);
          const tcp = overTcp ? new TcpQuestion(message, port, BOTS[index] ?? "127.0.0.1") : null;
          if (tcp === null) bot.send(message, port);
          asked.push({ name, type, tcp });
        }
      await moving(
        () => [
          names.heard.length,
          ...bots.map(({ got }) => got.length),
          ...asked.map(({ tcp }) => (tcp === null ? 0 : tcp.got.length + (tcp.reset || tcp.refused ? 1 : 0))),
        ],
        setting.closed === true ? 0 : asked.length,
      );
    });
    for (const bot of bots) bot.close();
    for (const { tcp } of asked) tcp?.close();
    const { same, found, grown } = books;
    const replies = [...bots.flatMap(({ got }) => got), ...asked.flatMap(({ tcp }) => tcp?.got ?? [])];
    const over = setting.closed === true ? 0 : asked.length;
    same("questions, of clients and of the metrics", over, grown("squall_dns_queries_total", { proxy }));
    const none = grown("squall_dns_queries_total", { proxy, rcode: "none" });
    same("questions that were answered", replies.length, over - none);
    // Type by type and code by code; what a fault spoilt is looked up with the server.
    const key = (type: string, code: string): string => `${type} ${code}`;
    const typeOf = new Map(asked.map(({ name, type }) => [name, type]));
    const saw = new Map<string, number>();
    const spoils = setting.spoils === true;
    for (const name of spoils ? names.heard : replies.map(nameOf)) {
      const code = spoils ? serverCode(name) : null;
      if (code !== null)
        saw.set(key(typeOf.get(name) ?? "?", code), (saw.get(key(typeOf.get(name) ?? "?", code)) ?? 0) + 1);
    }
    if (!spoils)
      for (const reply of replies) {
        const which = key(typeOf.get(nameOf(reply)) ?? "?", codeOf(reply));
        saw.set(which, (saw.get(which) ?? 0) + 1);
      }
    for (const qtype of TYPE_LIST)
      for (const rcode of ["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "other"])
        same(
          `${qtype} answered with ${rcode}`,
          saw.get(key(qtype, rcode)) ?? 0,
          grown("squall_dns_queries_total", { proxy, qtype, rcode }),
        );
    same("questions that the server heard once each", names.heard.length, new Set(names.heard).size);
    const tcps = asked.flatMap(({ tcp }) => (tcp === null ? [] : [tcp]));
    same("TCP connections", over === 0 ? 0 : tcps.length, grown("squall_connections_total", { proxy }));
    const seen = {
      asked: { udp: asked.length - tcps.length, tcp: tcps.length },
      heard: names.heard.length,
      answers: replies.length,
      resets: tcps.filter(({ reset }) => reset).length,
    };
    for (const [name, is] of Object.entries(setting.books(seen)))
      same(
        `${name}, as both ends counted and as was booked`,
        is,
        grown("squall_faults_total", { proxy, effect: name }),
      );
    return found;
  }

  /** Plays with one fault in force, and compares what every round has. */
  async #round(
    proxy: string,
    fault: FaultInput,
    play: (moving: (ends: () => readonly number[], over?: number) => Promise<void>) => Promise<void>,
  ): Promise<{
    readonly found: string[];
    readonly same: Same;
    readonly grown: (name: string, labels: Record<string, string>) => number;
  }> {
    const { squall, random } = this;
    const since = squall.journal({ limit: 1 }).at(-1)?.seq ?? 0;
    const before = new Figures(await squall.metrics());
    await squall.activate([{ ...fault, proxy }], { seed: random.integer(1_000_000) });
    await play((ends, over = 0) =>
      this.#still(proxy, ends, before.sum("squall_dns_queries_total", { proxy }) + over),
    );
    await squall.heal();
    const after = new Figures(await squall.metrics());
    const entries = squall.journal({ since, limit: 100_000 });
    const spares = FAULT_TYPES.find((one) => one.type === fault.type)?.spares ?? [];
    const books: FaultBooks = {
      proxy,
      fault: fault.type,
      before,
      after,
      entries,
      spares,
      byFlow: proxy === "packets",
    };
    const found: string[] = [];
    const same: Same = (what, one, other) => {
      const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
      if (a !== b) found.push(`${what}: ${a} and ${b}`);
    };
    faults(books, same);
    for (const entry of entries)
      if (entry.kind === "fault_hit" && entry.connection > 0)
        same("the bot of a hit is one of those that came", BOTS.includes(entry.bot), true);
    const grown = (name: string, labels: Record<string, string>): number =>
      after.sum(name, labels) - before.sum(name, labels);
    same("failures without a fault's doing", 0, grown("squall_connections_errors_total", { proxy }));
    return { found, same, grown };
  }

  /** When nothing moves any more: all figures twice the same. */
  async #still(proxy: string, ends: () => readonly number[], questions: number): Promise<void> {
    let last = "";
    for (let looks = 0, calm = 0; looks < LOOKS_MAX && calm < 5; looks++) {
      const text = (await this.squall.metrics()).replace(/^(?:process|nodejs)_.*$/gmu, "");
      const now = `${ends().join(" ")}\n${text}`;
      const figures = new Figures(text);
      const quiet = figures.sum("squall_held_bytes") === 0;
      const asked = proxy !== "names" || figures.sum("squall_dns_queries_total", { proxy }) >= questions;
      calm = now === last && quiet && asked ? calm + 1 : 0;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
