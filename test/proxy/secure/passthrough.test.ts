/** TLS that passes through: its hello may come in any pieces, late or never, and whoever sends it is nobody else's affair. */
import { afterEach, describe, expect, it } from "vitest";
import { CERTIFICATE } from "../../support/certificate.js";
import { turns, until, type Client } from "../../support/lab.js";
import { sample, scaled, WHOLE } from "../../support/scope.js";
import { SecureLab, secureSpec, secureTimeLab } from "../../support/secure-lab.js";
import { clientHello, records, serverName } from "../../tls/client-hello.js";
import { recorded } from "../../tls/hellos.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const HELLO_TIMEOUT = 5_000;
const secure = secureSpec({ mode: "passthrough", helloTimeout: HELLO_TIMEOUT });

/** A TLS server that says "hello" to whoever gets through. */
const serving = (): Promise<number> => lab.tlsServer({}, (socket) => socket.end("hello"));

describe("a hello", () => {
  it("may be cut at every byte, and goes on as it came", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const cuts = recorded.flatMap(({ client, bytes }) =>
      Array.from({ length: bytes.length - 1 }, (_, at) => ({ client, bytes, at: at + 1 })),
    );
    for (const { client, bytes, at } of sample(cuts, 5, ({ client }) => client)) {
      const sender = lab.client(proxy);
      sender.write(bytes.subarray(0, at));
      await sender.connected;
      await turns(3);
      sender.write(bytes.subarray(at));
      const peer = await upstream.next();
      const got = await peer.received(bytes.length);
      expect(got.equals(bytes), `${client}, cut at ${at}`).toBe(true);
      sender.rst();
    }
    await until(() => lab.context.slots.taken === 0);
  });

  it("may come in three records and many packets, with bytes behind it", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const padding = [21, Buffer.alloc(5_000)] as const;
    const bytes = records(clientHello({ extensions: [serverName("jobs.example"), padding] }), 1_500, 1_500);
    const sender = lab.client(proxy);
    for (let at = 0; at < bytes.length; at += 700) {
      sender.write(bytes.subarray(at, at + 700));
      await turns(2);
    }
    sender.write("and more");
    const peer = await upstream.next();
    const whole = Buffer.concat([bytes, Buffer.from("and more")]);
    expect((await peer.received(whole.length)).equals(whole)).toBe(true);
  });

  it("of a client that sends one byte at a time is waited for, and not for ever", async () => {
    const { lab: slow, time } = secureTimeLab();
    try {
      const upstream = await slow.upstream();
      const proxy = await slow.proxy(upstream.port, { secure });
      const [{ bytes } = { bytes: Buffer.alloc(0) }] = recorded;
      const sender = slow.client(proxy);
      await sender.connected;
      await turns();
      for (let at = 0; sender.end === null; at++) {
        if (sender.socket.writable) sender.write(bytes.subarray(at, at + 1));
        await turns(3);
        time.advance(HELLO_TIMEOUT / 100);
      }
      expect(slow.facts.of("connection_failed").map(({ text }) => text)).toEqual([
        `a ClientHello took longer than ${HELLO_TIMEOUT} ms`,
      ]);
      expect(upstream.accepted).toEqual([]);
      await until(() => slow.context.slots.taken === 0 && time.idle);
    } finally {
      await slow.close();
    }
  });

  it("that is garbage is told of, and reaches nobody", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure });
    const garbage: Readonly<Record<string, Buffer>> = {
      "another protocol": Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"),
      "a record that is too long": Buffer.from([22, 3, 1, 255, 255, 1]),
      "an alert": Buffer.from([21, 3, 1, 0, 2, 1, 0]),
      "a ServerHello": Buffer.from([22, 3, 3, 0, 4, 2, 0, 0, 0]),
      "a hello of 16 MiB": Buffer.from([22, 3, 1, 64, 0, 1, 255, 255, 255]),
    };
    for (const [what, bytes] of Object.entries(garbage)) {
      const sender = lab.client(proxy);
      sender.write(bytes);
      expect(await sender.ended, what).toBe("fin");
    }
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(
      Object.keys(garbage).map(() => "client_tls"),
    );
    expect(upstream.accepted).toEqual([]);
    await until(() => lab.context.slots.taken === 0);
  });
});

it("thousands of clients that send half a hello cost some kilobytes each, and a good one is served meanwhile", async () => {
  const count = scaled(200, 2_000);
  // Nobody's time is up, however long it takes here.
  lab = secureTimeLab().lab;
  const proxy = await lab.proxy(await serving(), { secure });
  const [{ bytes } = { bytes: Buffer.alloc(0) }] = recorded;
  const halves: Client[] = [];
  const before = process.memoryUsage().rss;
  for (let at = 0; at < count; at++) {
    const half = lab.client(proxy);
    half.write(bytes.subarray(0, bytes.length / 2));
    halves.push(half);
    if (at % 50 === 0) await half.connected;
  }
  await until(() => lab.context.slots.taken === count);
  const seen = await lab.sees(proxy, { ca: CERTIFICATE, servername: "jobs.test" });
  expect(seen).toMatchObject({ how: "secure", text: "hello" });
  // The clients' own ends are counted in. Of a few clients less is known than what else the process is at.
  if (WHOLE) expect((process.memoryUsage().rss - before) / count).toBeLessThan(200_000);
  expect(halves.every(({ end }) => end === null)).toBe(true);
  for (const half of halves) half.rst();
  await until(() => lab.context.slots.taken === 0);
});
