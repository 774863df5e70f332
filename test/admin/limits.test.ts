/** What is too large, too slow or too much, and how the port opens and closes. */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAdmin } from "../../src/admin/server.js";
import { turns, until } from "../support/lab.js";
import { AdminLab } from "./admin-lab.js";

let here: AdminLab;

const LIMITS = { bodyBytes: 1_000, headerBytes: 4_096, connections: 20 };

beforeEach(async () => {
  here = await AdminLab.open({ limits: LIMITS });
});

/** With so little time for a request that a machine which is busy may take longer for one that is well: for those alone that do not end. */
async function impatient(requestTimeout = 100): Promise<void> {
  await here.close();
  here = await AdminLab.open({ limits: { ...LIMITS, requestTimeout } });
}

afterEach(async () => {
  await here.close();
});

/** A bare connection: what it was answered so far, and whether it is closed. */
class Bare {
  readonly socket = here.socket();
  text = "";
  closed = false;

  constructor() {
    this.socket.on("data", (chunk: Buffer) => (this.text += chunk.toString("latin1")));
    this.socket.on("close", () => (this.closed = true));
  }

  write(text: string | Buffer): this {
    this.socket.write(text);
    return this;
  }

  async answered(part = "}"): Promise<string> {
    await until(() => this.text.includes(part) || this.closed);
    return this.text;
  }

  async end(): Promise<string> {
    await until(() => this.closed);
    return this.text;
  }
}

const HEAD = "PUT /active HTTP/1.1\r\nHost: localhost\r\n";

describe("a body", () => {
  it("may be as large as the limit and no larger", async () => {
    const fits = `{"profile":"slow"}`.padEnd(1_000);
    expect((await here.call("PUT", "/active", { body: fits })).status).toBe(200);
    expect((await here.call("PUT", "/active", { body: `${fits} ` })).json).toMatchObject({
      status: 413,
      code: "SQ_TOO_LARGE",
      error: expect.stringContaining("1000B") as string,
    });
  });

  it("is refused before it is sent where its length says enough", async () => {
    const bare = new Bare().write(`${HEAD}Content-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n`);
    const answer = await bare.answered();
    expect(answer).toMatch(/^HTTP\/1.1 413 /u);
    expect(answer).not.toContain("100 Continue");
  });

  it("is asked for where the client waits for that", async () => {
    const bare = new Bare().write(`${HEAD}Content-Length: 18\r\nExpect: 100-continue\r\n\r\n`);
    expect(await bare.answered("100 Continue")).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\n$/u);
    bare.write('{"profile":"slow"}');
    expect(await bare.answered()).toContain("HTTP/1.1 200 ");
  });

  it("is read without fuss where the client expects what nobody knows", async () => {
    const bare = new Bare().write(`${HEAD}Content-Length: 18\r\nExpect: wonders\r\n\r\n{"profile":"slow"}`);
    expect(await bare.answered()).toContain("HTTP/1.1 200 ");
  });

  it("is refused when it grows too large in chunks, and the client still gets the answer", async () => {
    const bare = new Bare().write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 40; i++) bare.write(`400\r\n${"x".repeat(1_024)}\r\n`);
    bare.write("0\r\n\r\n");
    expect(await bare.answered()).toMatch(/^HTTP\/1.1 413 /u);
    bare.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await bare.answered('"alive"')).toContain("HTTP/1.1 200 ");
  });

  it("must be UTF-8, and as it is", async () => {
    for (const ask of [
      { body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) },
      { body: Buffer.from([0xc3]) },
      { body: "{}", type: "application/json; charset=utf-16" },
      { body: "{}", type: 'text/yaml; Charset="iso-8859-1"' },
      { body: "{}", headers: { "content-encoding": "gzip" } },
    ]) {
      expect((await here.call("PUT", "/active", ask)).json).toMatchObject({
        status: 400,
        code: "SQ_BAD_REQUEST",
      });
    }
    const type = "application/json; charset=UTF-8";
    expect((await here.call("PUT", "/active", { body: '\ufeff{"profile":"slow"}', type })).status).toBe(200);
  });

  it("that breaks off changes nothing", async () => {
    const bare = new Bare().write(`${HEAD}Content-Length: 100\r\n\r\n{"profile":"slow"}`);
    await turns();
    bare.socket.resetAndDestroy();
    await turns();
    expect((await here.get("/active")).json.activations).toEqual([]);
    expect(here.telemetry.journal.query({ kind: "mistake" })).toEqual([]);
  });

  it("that says it is shorter than it is makes the rest a request that is none", async () => {
    const bare = new Bare().write(`${HEAD}Content-Length: 18\r\n\r\n{"profile":"slow"}}}}\r\n\r\n`);
    expect(await bare.end()).toMatch(/HTTP\/1.1 400 .*"SQ_BAD_REQUEST"/su);
  });
});

describe("a request that does not end", () => {
  it("is answered 408, whatever part of it is missing", async () => {
    await impatient();
    for (const part of ["GET /healthz HT", `${HEAD}`, `${HEAD}Content-Length: 10\r\n\r\n{`]) {
      const answer = await new Bare().write(part).end();
      expect(answer, part).toMatch(/^HTTP\/1.1 408 .*"code":"SQ_TIMEOUT"/su);
      expect(answer).toContain("cache-control: no-store");
    }
    expect(here.telemetry.journal.query({ kind: "mistake" })).toEqual([]);
  });

  it("is dropped when it was refused already", async () => {
    // Its head must have been read by then.
    await impatient(1_000);
    const bare = new Bare().write(`${HEAD}Content-Length: 5000\r\n\r\n{`);
    const answer = await bare.end();
    expect(answer).toMatch(/^HTTP\/1.1 413 /u);
    expect(answer.match(/HTTP\/1.1/gu)).toHaveLength(1);
  });
});

describe("a head", () => {
  it("is answered 431 when it is too large", async () => {
    const answer = await new Bare().write(`${HEAD}X-Large: ${"x".repeat(5_000)}\r\n\r\n`).end();
    expect(answer).toMatch(/^HTTP\/1.1 431 .*"status":431,"code":"SQ_TOO_LARGE"/su);
  });

  it("is answered 400 when it is none", async () => {
    for (const text of [
      "\u0016\u0003\u0001\u0002\u0000\u0001",
      "GET / HTTP/1.1\r\nHost: a b\r\nx\r\n\r\n",
      "HELO me\r\n",
      "GET /\u0000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]) {
      expect(await new Bare().write(text).end(), JSON.stringify(text)).toMatch(
        /^HTTP\/1.1 400 .*"SQ_BAD_REQUEST"/su,
      );
    }
  });
});

describe("an answer", () => {
  it("that nobody reads is given up", async () => {
    await here.close();
    here = await AdminLab.open({ limits: { connections: 1 } });
    for (let i = 0; i < 9_000; i++) here.control.mark(`${i} ${"x".repeat(900)}`);
    let stuck = new Bare();
    while (stuck.closed || stuck.socket.bytesRead === 0) {
      // The port lets one in at a time, and the one before may not be gone yet.
      if (stuck.closed) stuck = new Bare();
      stuck.socket.write("GET /journal?limit=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await turns(1);
    }
    stuck.socket.pause();
    await turns();
    let seconds = 0;
    for (; !here.clock.idle; seconds++) {
      here.clock.advance(1_000);
      await turns();
    }
    expect(seconds).toBeGreaterThanOrEqual(30);
    const next = await here.raw("GET", "/healthz", {});
    expect(next).toMatchObject({ status: 200 });
  });
});

describe("connections", () => {
  const PING = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

  it("beyond the limit take the place of the one that has been idle for longest", async () => {
    await here.close();
    here = await AdminLab.open({ limits: { connections: 3 } });
    const idle: Bare[] = [];
    for (let n = 0; n < 3; n++) {
      const bare = new Bare().write(PING);
      idle.push(bare);
      await bare.answered();
    }
    const [first, second, third] = idle as [Bare, Bare, Bare];
    // What it says makes it the one that was idle for the shortest time.
    first.text = "";
    await first.write(PING).answered();
    const operator = new Bare().write(PING);
    expect(await operator.answered()).toContain("200 OK");
    await second.end();
    expect([first.closed, third.closed, operator.closed]).toEqual([false, false, false]);
    for (const { socket } of [...idle, operator]) socket.destroy();
  });

  it("beyond the limit take the place of one that has asked nothing before that of one that has", async () => {
    await here.close();
    here = await AdminLab.open({ limits: { connections: 2 } });
    const operator = new Bare().write(PING);
    await operator.answered();
    let silent = new Bare();
    await until(() => !silent.socket.connecting);
    for (let n = 0; n < 10; n++) {
      const next = new Bare();
      await silent.end();
      silent = next;
    }
    operator.text = "";
    expect(await operator.write(PING).answered()).toContain("200 OK");
    for (const { socket } of [operator, silent]) socket.destroy();
  });

  it("leave a quarter of the places to those who ask and go, however many want to stay", async () => {
    const stays = ["GET /events", "GET /active?wait=change"].map(
      (call) => `${call} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    const all: Bare[] = [];
    for (const stay of stays) for (let n = 0; n < 20; n++) all.push(new Bare().write(stay));
    await turns();
    const operator = new Bare().write(PING);
    expect(await operator.answered()).toContain("200 OK");
    await until(() => all.filter(({ text, closed }) => !closed && !text.includes(" 429 ")).length <= 15);
    for (const { socket } of [...all, operator]) socket.destroy();
  });

  it("do not drive out who comes by having begun to ask, and never going on", async () => {
    await here.close();
    here = await AdminLab.open({ limits: { connections: 4 } });
    const slow = Array.from({ length: 4 }, () =>
      new Bare().write("PUT /active HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"),
    );
    await turns();
    const operator = new Bare();
    await until(() => !operator.socket.connecting);
    await turns();
    // Whoever comes now takes the place of one who came before the operator.
    const next = new Bare();
    await until(() => !next.socket.connecting);
    await turns();
    operator.write(PING);
    expect(await operator.answered()).toContain("200 OK");
    expect(slow.filter(({ closed }) => closed).length).toBeGreaterThan(0);
    for (const { socket } of [...slow, operator, next]) socket.destroy();
  });

  it("give up their places when they ask for much and read nothing", async () => {
    await here.close();
    here = await AdminLab.open({ limits: { connections: 4 } });
    for (let i = 0; i < 9_000; i++) here.control.mark(`${i} ${"x".repeat(900)}`);
    const stuck = Array.from({ length: 4 }, () => {
      const bare = new Bare().write("GET /journal?limit=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      bare.socket.pause();
      return bare;
    });
    await until(() => stuck.filter(({ socket }) => socket.bytesRead > 0 || socket.destroyed).length >= 3);
    for (let n = 0; n < 8; n++) {
      const operator = new Bare().write(PING);
      expect(await operator.answered()).toContain("200 OK");
      operator.socket.destroy();
    }
    for (const { socket } of stuck) socket.destroy();
  });
});

describe("the port", () => {
  it("says where it is", async () => {
    expect(here.admin.url).toBe(`http://127.0.0.1:${here.port}`);
    const everywhere = await startAdmin({ ...here.adminOptions(), listen: { host: "0.0.0.0", port: 0 } });
    expect(everywhere.url).toBe(`http://127.0.0.1:${everywhere.address.port}`);
    await everywhere.close();
  });

  it("that is taken, or cannot be had, is an error of its own", async () => {
    const taken = startAdmin({ ...here.adminOptions(), listen: here.admin.address });
    await expect(taken).rejects.toMatchObject({ code: "SQ_ADMIN_PORT_TAKEN" });
    const elsewhere = startAdmin({ ...here.adminOptions(), listen: { host: "192.0.2.1", port: 0 } });
    await expect(elsewhere).rejects.toMatchObject({ code: "SQ_LISTEN_FAILED" });
  });

  it("closes although clients keep their connections, and does not mind being closed twice", async () => {
    const idle = new Bare();
    const kept = new Bare().write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await kept.answered();
    await here.admin.close();
    await Promise.all([idle.end(), kept.end()]);
    await here.admin.close();
    const { port } = here;
    const refused = await new Promise((resolve) => {
      connect({ host: "127.0.0.1", port }).on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code);
      });
    });
    expect(refused).toBe("ECONNREFUSED");
  });

  it("gives answers that are under way a second", async () => {
    let answer: (value: never) => void = () => undefined;
    here.desired = () => new Promise((resolve) => (answer = resolve));
    const reload = here.call("POST", "/reload");
    await until(() => here.lab.facts.all.length > 0 && answer.length === 1);
    const closing = here.admin.close();
    await turns();
    answer({ proxies: here.files(), files: [], restartNeeded: [] } as never);
    expect((await reload).status).toBe(200);
    await closing;
    expect(here.clock.idle).toBe(true);
  });

  it("is closed in the end by force", async () => {
    here.desired = () => new Promise(() => undefined);
    const reload = here.raw("POST", "/reload", {}).catch(() => "gone");
    const listening = new Bare();
    await turns();
    const closing = here.admin.close();
    await turns();
    here.clock.advance(1_000);
    await closing;
    expect(await reload).toBe("gone");
    await listening.end();
  });
});
