/** How long getaddrinfo takes over each DNS fault with the C library's own time-outs: the column of glibc in docs/dns.md. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADDRESS, failures, has, Namespace, records } from "../support/dns-clients.js";
import { dnsProxy } from "../support/dns-lab.js";
import { Lab } from "../support/lab.js";

const TABLE: Readonly<Record<string, readonly [said: string, seconds: number]>> = {
  "nxdomain.test": ["EAI_NONAME", 0],
  "empty.test": ["EAI_NODATA", 0],
  "servfail.test": ["EAI_AGAIN", 0],
  "formerr.test": ["EAI_NONAME", 0],
  "silent.test": ["EAI_AGAIN", 10],
  "first-lost.test": [ADDRESS, 5],
  "wrong-id.test": ["EAI_AGAIN", 10],
  "no-aaaa.test": [ADDRESS, 15],
  "fine.test": [ADDRESS, 0],
};

const missing = !Namespace.possible ? "network namespaces" : has("python3") ? null : "python3";

describe.skipIf(missing !== null)("getaddrinfo", () => {
  let lab: Lab;
  let namespace: Namespace;
  beforeAll(async () => {
    namespace = Namespace.make(2, "");
    lab = new Lab();
    await dnsProxy(lab, { records, listen: { host: namespace.host, port: 53 } });
    lab.use(failures());
  });
  afterAll(async () => {
    await lab.close();
    namespace.remove();
  });

  it("takes as long as the table says", async () => {
    const seen = await Promise.all(
      Object.keys(TABLE).map(async (name) => [name, await namespace.getaddrinfo(name)] as const),
    );
    for (const [name, { said, millis }] of seen) {
      const [expected = "", seconds = 0] = TABLE[name] ?? [];
      expect(said, name).toBe(expected);
      expect(Math.abs(millis / 1_000 - seconds), `${name} took ${millis} ms`).toBeLessThan(1);
    }
  });

  it("hangs for more than two minutes where TCP is silent", async () => {
    const { out, code } = await namespace.run("timeout", "120", "getent", "ahosts", "tcp-silent.test");
    expect([out, code]).toEqual(["", 124]);
  });
});
