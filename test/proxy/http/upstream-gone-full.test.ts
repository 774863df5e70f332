/** An upstream that goes while it takes nothing more: what its client says afterwards is read all the same. */
import { afterEach, expect, it } from "vitest";
import { httpTimeLab, type HttpLab } from "../../support/http-lab.js";
import { turns, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

/** More than all buffers on the way hold. */
const BODY = 64 * 2 ** 20;
const PIECE = Buffer.alloc(65_536);

it.each(["fin", "reset"] as const)(
  "a client whose upload goes nowhere is answered and read on when its upstream ends with a %s",
  async (how) => {
    const { lab: made, time } = httpTimeLab();
    lab = made;
    const upstream = await lab.upstream({ reading: false });
    const proxy = await lab.http(upstream.port, { persona: "nginx" });
    const client = lab.client(proxy);
    client.write(`POST /upload HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: ${BODY}\r\n\r\n`);
    const server = await upstream.next();
    // Until nobody on the way takes any more.
    for (let before = -1; client.socket.bytesWritten !== before || client.socket.writableLength === 0;) {
      before = client.socket.bytesWritten;
      if (client.socket.writableLength < 16 * PIECE.length) client.socket.write(PIECE);
      await turns(10);
    }
    if (how === "reset") server.socket.resetAndDestroy();
    else server.socket.destroy();
    await until(() => client.text.startsWith("HTTP/1.1 502 "));
    // Some of what is left of the body is read, and then the connection ends, since more is not worth it.
    await client.ended;
    time.advance(1_000);
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.facts.of("mistake")).toEqual([]);
  },
);
