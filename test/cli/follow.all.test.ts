/** `squall journal --follow` over a network that breaks: nothing is lost, nothing is said twice, and what is gone is counted. */
import { createServer, connect, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Workshop, type Squall } from "../support/process.js";

/** Between the command and the daemon; can be away for a while. */
class Way {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  constructor(to: number) {
    this.#to = to;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(this.#to, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((done) => server.listen(this.#port, "127.0.0.1", done));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async break(): Promise<void> {
    const closed = new Promise((done) => this.#server?.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});
afterEach(() => shop.close());

async function mark(admin: string, text: string): Promise<number> {
  const answer = await fetch(`${admin}/journal/marks`, { method: "POST", body: JSON.stringify({ text }) });
  return ((await answer.json()) as { seq: number }).seq;
}

/** Resolves when standard error has it. */
function complained(command: Squall, pattern: RegExp): Promise<void> {
  return new Promise((done) => {
    const look = (): void => {
      if (!pattern.test(command.err)) return;
      command.child.stderr?.off("data", look);
      done();
    };
    command.child.stderr?.on("data", look);
    look();
  });
}

const marks = (out: string): string[] => [...out.matchAll(/"text":"([^"]*)"/gu)].map(([, text = ""]) => text);

it("goes on behind the last entry that it has, and says what the journal no longer has", async () => {
  const { admin } = await shop.daemon({ journal: { keep: 100 }, proxies: {} });
  const way = new Way(Number(new URL(admin).port));
  await way.open();
  await mark(admin, "before");
  const command = shop.start(["journal", "--follow", "--kind", "mark", "--json", "--admin", way.url]);
  await command.printed(/"before"/u);
  await mark(admin, "first");
  await command.printed(/"first"/u);

  await way.break();
  await complained(command, /the stream broke, and is asked for again: /u);
  for (const text of ["second", "third"]) await mark(admin, text);
  await way.open();
  await command.printed(/"third"/u);
  expect(marks(command.out)).toEqual(["before", "first", "second", "third"]);
  expect(command.err).toMatch(/^squall: the stream broke, .*\nsquall: the stream is back\n$/u);

  await way.break();
  await complained(command, /is back\nsquall: the stream broke/u);
  const texts = Array.from({ length: 110 }, (_, n) => `flood ${n}`);
  for (const text of texts) await mark(admin, text);
  await way.open();
  await command.printed(/"flood 109"/u);
  expect(marks(command.out).slice(4)).toEqual(texts.slice(10));
  expect(command.out).toMatch(/\{"seq":0,"time":"[^"]*","kind":"gap","lost":10\}\n/u);
  command.kill("SIGINT");
  expect((await command.ended).code).toBe(0);
});

it("says in words what is missing, and that the daemon was started anew", async () => {
  const first = await shop.daemon({ proxies: {} });
  const { host } = new URL(first.admin);
  await mark(first.admin, "old");
  const command = shop.start(["journal", "--follow", "--kind", "mark", "--admin", host]);
  await command.printed(/ +1 {2}\d\d:\d\d:\d\d\.\d{3} {2}mark +old\n/u);
  first.process.kill("SIGKILL");
  await first.process.ended;
  await complained(command, /the stream broke/u);
  await shop.daemon({ proxies: {} }, ["--admin", host]);
  await complained(command, /was started anew/u);
  await mark(first.admin, "new");
  await command.printed(/ +1 {2}\d\d:\d\d:\d\d\.\d{3} {2}mark +new\n/u);
  expect(command.err).toMatch(
    /squall: the stream is back\nsquall: the daemon was started anew: its journal begins again at number 1, and the end of the one before may be missing\n$/u,
  );
});
