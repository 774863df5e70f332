/** One request at a time on each connection, whatever a client sends ahead. */
import { createServer } from "node:http";
import { connect, createServer as listen, type AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Lane } from "../../src/admin/lane.js";
import { turns, until } from "../support/lab.js";
import { AdminLab } from "./admin-lab.js";

let here: AdminLab;

beforeEach(async () => {
  here = await AdminLab.open();
});

afterEach(async () => {
  await here.close();
});

function request(call: string, body = ""): string {
  return `${call} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

const mark = (text: string): string => request("POST /journal/marks", JSON.stringify({ text }));
const marks = (): string[] =>
  here.telemetry.journal.query({ kind: "mark" }).map((entry) => (entry.kind === "mark" ? entry.text : ""));

interface Client {
  text: string;
  closed: boolean;
  write(text: string): void;
  end(): void;
  leave(): void;
}

/** Sends that, in pieces of that size, and keeps what comes. */
function client(bytes: string, pieces = Infinity): Client {
  const socket = here.socket();
  const got: Client = {
    text: "",
    closed: false,
    write: (text) => void socket.write(text),
    end: () => void socket.end(),
    leave: () => void socket.resetAndDestroy(),
  };
  socket.on("data", (chunk: Buffer) => (got.text += chunk.toString("latin1")));
  socket.on("close", () => (got.closed = true));
  for (let at = 0; at < bytes.length; at += pieces) socket.write(bytes.slice(at, at + pieces));
  return got;
}

const answers = (text: string): number => text.split("HTTP/1.1 2").length - 1;

it("does not look at what a client sends behind a request that is being answered", async () => {
  const got = client(request("GET /active?wait=change") + mark("one") + mark("two"));
  await until(() => !here.clock.idle);
  await turns();
  expect([marks(), got.text]).toEqual([[], ""]);
  expect((await here.call("PUT", "/active", { body: '{"profile":"slow"}' })).status).toBe(200);
  await until(() => answers(got.text) === 3);
  expect(marks()).toEqual(["one", "two"]);
  expect(got.text.indexOf('"timed_out":false')).toBeLessThan(got.text.indexOf('"one"'));
  got.leave();
});

it.each([1, 2, 7, Infinity])(
  "answers requests that come %d bytes at a time in their order",
  async (pieces) => {
    const names = Array.from({ length: 40 }, (_, n) => `m-${n}`);
    const chunked = `POST /journal/marks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"text":\r\n9\r\n"\\n\\n\\n"}\r\n0\r\n\r\n`;
    const got = client(chunked + names.map(mark).join("") + request("GET /healthz"), pieces);
    await until(() => answers(got.text) === 42);
    expect(marks()).toEqual(["\n\n\n", ...names]);
    expect([...got.text.matchAll(/"text":"(m-\d+)"/gu)].map(([, name]) => name)).toEqual(names);
    got.leave();
  },
);

it("leaves what a client sends ahead in the client's own memory", async () => {
  for (let n = 0; n < 9_000; n++) here.control.mark("x".repeat(900));
  const { lastSeq } = here.telemetry.journal;
  const socket = here.socket().pause();
  socket.write(request("GET /journal?limit=10000"));
  await until(() => !here.clock.idle);
  // The machine's buffers take a part, and then nothing more: else this would never end.
  const piece = mark("ahead").repeat(200);
  while (socket.writableLength < 2 ** 20) {
    socket.write(piece);
    await turns(1);
  }
  expect(here.telemetry.journal.lastSeq).toBe(lastSeq);
  socket.resetAndDestroy();
});

it("lets go of whoever waits for long and sends on and on meanwhile, since it could not be seen to leave", async () => {
  const got = client(request("GET /active?wait=change"));
  await until(() => !here.clock.idle);
  got.write("x".repeat(64 * 1_024));
  await until(() => got.closed && here.clock.idle);
});

it("answers all that was asked by a client that has ended its side", async () => {
  const got = client(Array.from({ length: 20 }, () => request("GET /profiles")).join(""));
  got.end();
  await until(() => got.closed);
  expect(answers(got.text)).toBe(20);
});

it("notices when a client leaves that waits for long", async () => {
  for (const how of ["end", "leave"] as const) {
    const got = client(request("GET /active?wait=change"));
    await until(() => !here.clock.idle);
    got[how]();
    await until(() => here.clock.idle);
  }
});

it("reads a body whose client ends each of its chunks after a byte", async () => {
  const body = JSON.stringify({ text: "x".repeat(900) });
  const chunks = [...body].map((char) => `1\r\n${char}\r\n`).join("");
  const got = client(
    `POST /journal/marks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
  );
  await until(() => answers(got.text) === 1);
  expect(marks()).toEqual(["x".repeat(900)]);
  got.leave();
});

it("answers a request without a Host once, and nothing behind it is taken for something else", async () => {
  const got = client(`GET /healthz HTTP/1.1\r\n\r\n${mark("behind")}`);
  await until(() => got.text.includes(" 400 ") && answers(got.text) === 1);
  expect(got.text).toContain("SQ_BAD_REQUEST");
  got.leave();
});

it("begins with the first request at once, and with each other when it is its turn", async () => {
  const turnsWanted: (() => void)[] = [];
  const served: string[] = [];
  const server = createServer((request, response) => {
    (request.socket as unknown as Lane).serve(request, response);
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      served.push(`${request.url} ${body}`);
      response.end();
    });
  });
  const port = listen((socket) => {
    const again = (): Promise<void> => new Promise((resolve) => turnsWanted.push(resolve));
    server.emit(
      "connection",
      new Lane(socket, {
        first: () => Promise.reject(new Error("it is whole")),
        again,
        rest: () => undefined,
      }),
    );
  });
  await new Promise<void>((resolve) => port.listen(0, "127.0.0.1", resolve));
  const socket = connect((port.address() as AddressInfo).port, "127.0.0.1");
  let got = "";
  socket.on("data", (chunk: Buffer) => (got += chunk.toString()));
  socket.write(request("GET /1") + request("POST /2", "two").slice(0, -2));
  await until(() => answers(got) === 1 && turnsWanted.length === 1);
  await turns();
  expect(served).toEqual(["/1 "]);
  turnsWanted.shift()?.();
  await turns();
  // Its body comes when it comes, and takes no further turn.
  socket.write(`wo${request("GET /3")}`);
  await until(() => answers(got) === 2 && turnsWanted.length === 1);
  expect(served).toEqual(["/1 ", "/2 two"]);
  turnsWanted.shift()?.();
  await until(() => answers(got) === 3);
  // Nothing is asked, so that no turn is wanted.
  await turns();
  expect(turnsWanted).toEqual([]);
  socket.destroy();
  port.close();
});

it("answers who comes before it goes on with what others have sent ahead", async () => {
  const flood = Array.from({ length: 4 }, () => client(mark("ahead").repeat(200)));
  await until(() => marks().length > 0);
  expect((await here.call("GET", "/healthz")).status).toBe(200);
  // Some turns of the event loop, each with one of them at the most, where all that arrives at once would be 800.
  expect(marks().length).toBeLessThan(400);
  await until(() => flood.every(({ text }) => answers(text) === 200));
  for (const { leave } of flood) leave();
});
