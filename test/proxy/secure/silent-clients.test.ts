/** Clients that wait for their server to speak first, on a port where both TLS and plain may come. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import { turns, until } from "../../support/lab.js";
import { secureSpec, secureTimeLab, type SecureLab } from "../../support/secure-lab.js";

const GREETING = "220 mail.example ready\r\n";
const HELLO_TIMEOUT = 60_000;

let lab: SecureLab;
let time: VirtualClock;
afterEach(async () => {
  await lab.close();
});

async function greeting(plainAfter: number | null): Promise<Awaited<ReturnType<SecureLab["proxy"]>>> {
  ({ lab, time } = secureTimeLab());
  const port = await lab.server((socket) => {
    socket.write(GREETING);
    socket.on("data", (chunk: Buffer) => socket.write(`you said ${String(chunk)}`));
  });
  return lab.proxy(port, { secure: secureSpec({ mode: "detect", plainAfter, helloTimeout: HELLO_TIMEOUT }) });
}

const failures = (): string[] => lab.facts.of("connection_failed").map(({ text }) => text);

describe("a client that says nothing", () => {
  it("is taken for plain after the time that plain_after says, and is greeted", async () => {
    const proxy = await greeting(300);
    const client = lab.client(proxy);
    await until(() => lab.context.slots.taken === 1);
    time.advance(299);
    await turns();
    expect(client.text).toBe("");
    time.advance(1);
    await until(() => client.text === GREETING);
    client.write("EHLO\r\n");
    await until(() => client.text === `${GREETING}you said EHLO\r\n`);
    time.advance(HELLO_TIMEOUT);
    await turns();
    expect(client.end).toBeNull();
    expect([failures(), [...(proxy.handshakes?.results ?? [])]]).toEqual([[], [["plain", 1]]]);
  });

  it("is waited for until it is too late where nothing is said of that", async () => {
    const proxy = await greeting(null);
    const client = lab.client(proxy);
    await until(() => lab.context.slots.taken === 1);
    time.advance(HELLO_TIMEOUT);
    await client.ended;
    expect(client.text).toBe("");
    expect(failures()).toEqual([`a ClientHello took longer than ${HELLO_TIMEOUT} ms`]);
  });
});

describe("a client that has begun to speak TLS", () => {
  it("has the time of a ClientHello, whatever plain_after says", async () => {
    const proxy = await greeting(300);
    const client = lab.client(proxy);
    client.write(Buffer.from([0x16]));
    await until(() => lab.context.slots.taken === 1);
    await turns();
    time.advance(HELLO_TIMEOUT - 1);
    await turns();
    expect([client.text, client.end, failures()]).toEqual(["", null, []]);
    time.advance(1);
    await client.ended;
    expect(failures()).toEqual([`a ClientHello took longer than ${HELLO_TIMEOUT} ms`]);
  });

  it("is served over TLS", async () => {
    const proxy = await greeting(300);
    const socket = await lab.tls(proxy);
    const heard = new Promise((resolve) => socket.once("data", (chunk: Buffer) => resolve(String(chunk))));
    expect(await heard).toBe(GREETING);
    socket.destroy();
  });
});
