/** Who sends a request slowly, in crumbs or on and on: he costs little, and an operator is answered beside hundreds of him. */
import { createServer, type Server } from "node:http";
import {
  connect,
  createServer as listen,
  type AddressInfo,
  type Server as Port,
  type Socket,
} from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lane, SOCKETS_OF_LANES } from "../../src/admin/lane.js";
import { Pace, REST_MS } from "../../src/admin/pace.js";
import { Turnstile } from "../../src/admin/turnstile.js";
import { looksWhole } from "../../src/admin/whole.js";
import { VirtualClock } from "../../src/core/clock.js";
import { turns, until } from "../support/lab.js";
import { AdminLab } from "./admin-lab.js";

const HEAD = "PUT /active HTTP/1.1\r\nHost: localhost\r\n";

describe("what a client has sent", () => {
  const whole = [
    "GET / HTTP/1.1\r\n\r\n",
    `${HEAD}Content-Length: 2\r\n\r\n{}`,
    `${HEAD}content-LENGTH:2\r\n\r\n{}GET`,
  ];
  const chunked = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
  const parts = [
    "",
    "G",
    "GET / HTTP/1.1\r\n",
    HEAD,
    `${HEAD}Content-Length: 3\r\n\r\n{}`,
    `${chunked}2\r\n{}\r\n`,
  ];
  // Not looked for: it waits for its turn.
  const long = `GET / HTTP/1.1\r\nx: ${"x".repeat(20_000)}\r\n\r\n`;
  it.each([
    ...[...whole, `${chunked}2\r\n{}\r\n0\r\n\r\n`].map((text) => [text, true] as const),
    ...[...parts, long].map((text) => [text, false] as const),
  ])("is taken for a whole request or not: %j", (text, expected) => {
    expect(looksWhole([Buffer.from(text)])).toBe(expected);
    expect(looksWhole([...text].map((char) => Buffer.from(char)))).toBe(expected);
  });
});

describe("a rest", () => {
  it("is over for all together, ten times a second, and costs no timer when nobody rests", () => {
    const clock = new VirtualClock(0);
    const pace = new Pace(clock);
    const woken: string[] = [];
    const rest = (name: string): void => {
      pace.rest(() => {
        woken.push(`${name} ${clock.now()}`);
        if (woken.length < 4) rest(name);
      });
    };
    rest("one");
    clock.advance(REST_MS / 2);
    rest("two");
    clock.advance(REST_MS / 2 - 1);
    expect(woken).toEqual([]);
    clock.advance(1 + 2 * REST_MS);
    expect(woken).toEqual(["one 100", "two 100", "one 200", "two 200", "one 300"]);
    expect(clock.idle).toBe(true);
    rest("late");
    pace.close();
    expect(clock.idle).toBe(true);
  });
});

describe("a turn", () => {
  it("is not taken by who has gone meanwhile", async () => {
    const later: (() => void)[] = [];
    const turnstile = new Turnstile((run) => later.push(run));
    const passed: string[] = [];
    for (let n = 0; n < 100; n++)
      void turnstile
        .pass("127.0.0.1", { destroyed: n !== 50 })
        .then(() => passed.push(n === 50 ? "here" : "gone"));
    later.shift()?.();
    await turns(1);
    expect(passed.filter((who) => who === "here")).toEqual(["here"]);
    expect(passed).toHaveLength(100);
  });
});

describe("a connection", () => {
  const wanted: (() => void)[] = [];
  const wantedAgain: (() => void)[] = [];
  const resting: (() => void)[] = [];
  /** What was begun to be read, and how many pieces of its body came. */
  const begun: string[] = [];
  let pieces = 0;
  let server: Server;
  let port: Port;
  let sockets: Socket[];

  beforeEach(async () => {
    [wanted, wantedAgain, resting, begun].forEach((list) => list.splice(0));
    pieces = 0;
    sockets = [];
    server = createServer((request, response) => {
      (request.socket as unknown as Lane).serve(request, response);
      begun.push(request.url ?? "");
      request.on("data", () => pieces++);
      request.on("end", () => response.end());
    });
    const lanes = {
      first: () => new Promise<void>((resolve) => wanted.push(resolve)),
      again: () => new Promise<void>((resolve) => wantedAgain.push(resolve)),
      rest: (wake: () => void) => void resting.push(wake),
    };
    port = listen(SOCKETS_OF_LANES, (socket) => server.emit("connection", new Lane(socket, lanes)));
    await new Promise<void>((resolve) => port.listen(0, "127.0.0.1", resolve));
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    port.close();
  });

  function client(text: string): { readonly socket: Socket; got: string } {
    const socket = connect({ port: (port.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
    const client = { socket, got: "" };
    sockets.push(socket);
    socket.on("error", () => undefined).on("data", (chunk: Buffer) => (client.got += chunk.toString()));
    socket.write(text);
    return client;
  }

  it("that has not sent a whole request waits for its turn, and one that has is answered beside hundreds of it", async () => {
    const slow = Array.from({ length: 200 }, (_, n) =>
      client(`PUT /slow-${n} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{`),
    );
    await until(() => wanted.length === slow.length);
    const operator = client("PUT /operator HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
    await until(() => operator.got.includes(" 200 "));
    expect(begun).toEqual(["/operator"]);
    // The next on its connection is no first one.
    operator.got = "";
    operator.socket.write("GET /again HTTP/1.1\r\n");
    operator.socket.write("Host: localhost\r\n\r\n");
    await until(() => wantedAgain.length === 1);
    wantedAgain.shift()?.();
    await until(() => operator.got.includes(" 200 "));
    for (const resolve of wanted.splice(0, 3)) resolve();
    await until(() => begun.length === 5);
    await turns();
    expect(begun).toHaveLength(5);
  });

  it("that has sent the rest before its turn waits no longer, and the turn is no other's", async () => {
    const one = client("GET /one HTTP/1.1\r\n");
    await until(() => wanted.length === 1);
    one.socket.write("Host: localhost\r\n\r\n");
    await until(() => one.got.includes(" 200 "));
    wanted.shift()?.();
    await turns();
    one.socket.write("GET /two HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => wantedAgain.length === 1);
    expect([begun, wanted]).toEqual([["/one"], []]);
  });

  it("that sends in crumbs is read as they come at first, and then once in each rest", async () => {
    const crumbs = client("PUT /crumbs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n");
    await until(() => wanted.length === 1);
    wanted.shift()?.();
    await until(() => begun.length === 1);
    let sent = 0;
    const send = async (): Promise<void> => {
      crumbs.socket.write("x");
      sent++;
      await turns(2);
    };
    while (resting.length === 0) await send();
    expect(pieces).toBe(16);
    let rests = 0;
    for (; crumbs.got === ""; rests++) {
      for (let n = 0; n < 20 && sent < 100; n++) await send();
      await turns();
      // What came meanwhile is read at the end of a rest, all of it as one.
      expect([resting.length, pieces <= 17 + rests]).toEqual([1, true]);
      resting.shift()?.();
      await turns();
    }
    expect(crumbs.got).toContain(" 200 ");
    expect(pieces).toBeLessThan(30);
  });
});

describe("a body that was refused", () => {
  let here: AdminLab;

  beforeEach(async () => {
    here = await AdminLab.open();
  });

  afterEach(async () => {
    await here.close();
  });

  it("is thrown away at a rate, and the rest is left in the client's own memory", async () => {
    const socket = here.socket();
    let got = "";
    socket.on("data", (chunk: Buffer) => (got += chunk.toString()));
    socket.write(`${HEAD}Content-Length: 50000000000\r\n\r\n`);
    await until(() => got.includes("SQ_TOO_LARGE"));
    const piece = Buffer.alloc(2 ** 16, "x");
    // The machine's buffers take a part, and then nothing more: else this would never end.
    const fill = async (): Promise<number> => {
      while (socket.writableLength < 2 ** 22) {
        socket.write(piece);
        await turns(1);
      }
      return socket.writableLength;
    };
    await fill();
    expect(here.clock.next - here.clock.now()).toBeLessThanOrEqual(REST_MS);
    // And it goes on.
    while (socket.writableLength >= 2 ** 22) {
      here.clock.advance(REST_MS);
      await turns(1);
    }
    socket.resetAndDestroy();
  });
});
