/** Bodies over TLS in pieces of all sizes, and a client that does not read them: what is held for it is bounded. */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { get } from "../../support/http-lab.js";
import { seeded } from "../../support/http-script.js";
import { turns, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";
import { scaled } from "../../support/scope.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const sha = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

function pieces(seed: number, bytes: number): Buffer[] {
  const random = seeded(seed);
  const found: Buffer[] = [];
  for (let left = bytes; left > 0;) {
    // Records have 16 KiB at most: sizes around that are what matters.
    const size = Math.min(left, 1 + Math.floor(random() ** 3 * 80_000));
    found.push(Buffer.alloc(size, found.length & 0xff));
    left -= size;
  }
  return found;
}

describe("over TLS", () => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "megabytes arrive both ways as they were sent, %s",
    async (maxVersion) => {
      const upstream = await lab.upstream();
      const proxy = await lab.proxy(upstream.port, { secure: secureSpec() });
      const client = await lab.secured(proxy, { maxVersion });
      const peer = await upstream.next();
      const total = scaled(2_000_000, 20_000_000);
      const [up, down] = [pieces(1, total), pieces(2, total)];
      for (let at = 0; at < Math.max(up.length, down.length); at++) {
        const [ours, theirs] = [up[at], down[at]];
        if (ours !== undefined) client.write(ours);
        if (theirs !== undefined) peer.write(theirs);
        if (at % 7 === 0) await turns(1);
      }
      await Promise.all([client.received(total), peer.received(total)]);
      expect(sha(peer.bytes)).toBe(sha(Buffer.concat(up)));
      expect(sha(client.bytes)).toBe(sha(Buffer.concat(down)));
      const { bytesIn, bytesOut } = proxy.stats;
      expect([bytesIn, bytesOut]).toEqual(Array(2).fill({ upstream: total, downstream: total }));
    },
  );

  it.each(["tcp", "http"] as const)("a client that does not read stops its upstream, %s", async (plane) => {
    const upstream = await lab.upstream();
    const secure = secureSpec();
    const proxy =
      plane === "tcp"
        ? await lab.proxy(upstream.port, { secure })
        : await lab.http(upstream.port, { secure });
    const client = await lab.secured(proxy);
    client.socket.pause();
    client.write(get("/"));
    const peer = await upstream.next();
    const chunk = Buffer.alloc(256 * 1024, 7);
    const total = 64 * chunk.length;
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    for (let at = 0; at < 64; at++) peer.write(chunk);
    // As soon as nothing moves any more, what has gone in is what the proxy and the kernel hold.
    let moved = -1;
    for (let still = 0; still < 20;) {
      await turns(5);
      const { downstream } = proxy.stats.bytesIn;
      still = downstream === moved ? still + 1 : 0;
      moved = downstream;
    }
    const { bytesIn, bytesOut } = proxy.stats;
    expect(bytesIn.downstream).toBeLessThan(total);
    expect(bytesIn.downstream - bytesOut.downstream).toBeLessThan(1_000_000);
    client.socket.resume();
    await until(() => client.length >= total);
    expect(client.bytes.subarray(-total).every((byte) => byte === 7)).toBe(true);
  });
});
