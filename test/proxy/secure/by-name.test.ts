/** Upstreams chosen by the name that a client of TLS asks for, its bytes left as they are. */
import { afterEach, describe, expect, it } from "vitest";
import { get, ok } from "../../support/http-lab.js";
import { until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const closing = get("/", ["Connection: close"]);

/** A server over TLS that says who it is. */
async function server(name: string): Promise<number> {
  const plain = await lab.answering(name);
  return (await lab.http(plain.port, { secure: secureSpec() })).address.port;
}

describe("upstreams by the name that clients ask for", () => {
  it.each(["passthrough", "terminate"] as const)("are chosen in mode %s", async (mode) => {
    const [first, second, third] = [await server("first"), await server("second"), await server("third")];
    const endpoint = (port: number): { host: string; port: number } => ({ host: "127.0.0.1", port });
    const proxy = await lab.proxy(first, {
      secure: secureSpec({ mode, alpn: [] }),
      ...(mode === "terminate" ? { tls: { ca: null, insecure: true, servername: null } } : {}),
      pool: {
        members: [
          { name: "default", ...endpoint(first) },
          { name: "jobs.example", ...endpoint(second) },
          { name: "local", host: "localhost", port: third },
        ],
        balance: "sni",
        health: null,
        eject: null,
        seed: 1,
      },
    });
    for (const [servername, answer] of [
      ["jobs.example", "second"],
      ["localhost", "third"],
      ["other.example", "first"],
      ["", "first"],
    ] as const) {
      const seen = await lab.sees(proxy, { servername }, closing);
      expect(seen, servername).toMatchObject({ how: "secure", text: ok(answer) });
    }
    await until(() => proxy.stats.connectionsActive === 0);
    expect(proxy.pool.members.map(({ selected }) => selected)).toEqual([2, 1, 1]);
  });
});
