/**
 * Answers whose ends two readers could see in different places: whatever a server sends, what the client reads ends where its
 * answer ends, and nothing behind it is taken for the answer to what it asks next.
 */
import { afterEach, describe, expect, it } from "vitest";
import { turns, until } from "../support/lab.js";
import { get, HttpLab, messageAt, ok } from "../support/http-lab.js";
import { obscureEncodings, obscureLengths } from "./smuggling-corpus.js";
import { sample } from "../support/scope.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const EVIL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";
const CHUNKS = "5\r\nhello\r\n0\r\n\r\n";
const answer = (fields: readonly string[], body: string, line = "HTTP/1.1 200 OK"): string =>
  `${[line, ...fields].join("\r\n")}\r\n\r\n${body}`;

const LINES = [
  "HTTP/1.1 204 No Content",
  "HTTP/1.1 304 Not Modified",
  "HTTP/1.1 205 Reset Content",
  "HTTP/1.1 101 Switching Protocols",
  "HTTP/1.0 200 OK",
  "HTTP/2 200",
  "HTTP/1.1 99 Low",
  "HTTP/1.1 1000 High",
  "HTTP/1.1  200 OK",
  "HTTP/1.1 200\rX: y",
  "HTTP/1.1 200 OK\nX: y",
  "HTTP/1.1 20\u00000 OK",
  "ICY 200 OK",
  "hello",
];

const ANSWERS: readonly (readonly [string, string])[] = [
  ...obscureLengths(5).flatMap((field): (readonly [string, string])[] => [
    [`${JSON.stringify(field)} and what it says`, answer([field], "hello")],
    [`${JSON.stringify(field)} and an answer behind it`, answer([field], `hello${EVIL}`)],
    [`${JSON.stringify(field)} and chunks`, answer(["Transfer-Encoding: chunked", field], CHUNKS + EVIL)],
  ]),
  ...obscureEncodings().flatMap((field): (readonly [string, string])[] => [
    [`${JSON.stringify(field)} and chunks`, answer([field], CHUNKS)],
    [`${JSON.stringify(field)}, chunks and an answer behind them`, answer([field], CHUNKS + EVIL)],
    [`${JSON.stringify(field)} and a length`, answer([field, "Content-Length: 5"], CHUNKS + EVIL)],
  ]),
  ...LINES.flatMap((line): (readonly [string, string])[] => [
    [`${JSON.stringify(line)} and a length`, answer(["Content-Length: 5"], `hello${EVIL}`, line)],
    [`${JSON.stringify(line)} and chunks`, answer(["Transfer-Encoding: chunked"], CHUNKS + EVIL, line)],
    [`${JSON.stringify(line)} alone`, answer([], EVIL, line)],
  ]),
  ["two answers", ok("hello") + EVIL],
  ["an answer and half of another", ok("hello") + EVIL.slice(0, 20)],
  ["an answer and empty lines", `${ok("hello")}\r\n\r\n`],
  ["interim answers", `${"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(20)}${ok("hello")}`],
  ["2,000 interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000) + ok("hello")],
];

describe("what a server sends behind its answer", () => {
  it("is never taken for the answer to the next request", async () => {
    lab = new HttpLab();
    const astray: string[] = [];
    let sound = 0;
    let said = "";
    const server = await lab.scripted(({ target }) =>
      target === "/first" ? Buffer.from(said, "latin1") : ok("[behind]"),
    );
    const proxy = await lab.http(server.port);
    for (const [what, bytes] of sample(ANSWERS, 80)) {
      said = bytes;
      const client = lab.client(proxy);
      let over = false;
      void client.ended.then(() => (over = true));
      client.write(get("/first"));
      await until(() => over || client.length > 0);
      // All that belongs to it, and whatever stands behind it, has come when nothing more does.
      for (let length = -1; length !== client.length && !over;) {
        ({ length } = client);
        await turns(10);
      }
      const from = client.length;
      if (!over) {
        client.write(get("/behind"));
        for (let n = 0; n < 30 && !over && !client.text.includes("[behind]", from); n++) await turns(1);
      }
      const rest = client.text.slice(from);
      // A client that reads on finds the answer to what it asked, or an end.
      const next = messageAt(rest, 0, { over });
      if (next !== null && next.body === "[behind]") sound++;
      if (
        rest.includes("EVIL") &&
        next?.body !== "[behind]" &&
        !client.text.slice(0, from).startsWith("HTTP/1.1 101")
      )
        astray.push(`${what}: ${JSON.stringify(client.text.slice(0, 300))}`);
      const begun = client.text.slice(0, from);
      let first = messageAt(begun, 0, { over });
      for (let n = 0; first !== null && /^\s*HTTP\/1\.1 1(?!01)/u.test(first.head) && n < 3_000; n++)
        first = messageAt(begun, first.end, { over });
      // With an encoding that nobody knows the answer lasts until the connection ends.
      const odd = /^transfer-encoding:(?![ \t]*chunked[ \t]*$)/imu.test(first?.head ?? "");
      if (first !== null && !odd && !over && first.end < from && !first.head.includes(" 101 "))
        astray.push(
          `${what}: bytes behind the first answer: ${JSON.stringify(client.text.slice(first.end, from).slice(0, 80))}`,
        );
      client.socket.destroy();
    }
    expect(astray).toEqual([]);
    console.log(`${ANSWERS.length} answers: ${sound} after which the connection goes on, and rightly`);
    expect(sound).toBeGreaterThan(3);
  });
});
