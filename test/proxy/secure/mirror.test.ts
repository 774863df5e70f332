/** What an upstream agrees to of a client's protocols is what the client is told, whatever becomes of the upstream meanwhile. */
import { afterEach, describe, expect, it } from "vitest";
import type { TcpProxySpec } from "../../../src/proxy/spec-base.js";
import { MIRROR } from "../../../src/proxy/secure/spec.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { turns, until } from "../../support/lab.js";
import { secureSpec, secureTimeLab, type Seen } from "../../support/secure-lab.js";

let { lab, time } = secureTimeLab();
afterEach(async () => {
  await lab.close();
  ({ lab, time } = secureTimeLab());
});

interface Server {
  readonly port: number;
  /** What it has agreed to, handshake by handshake. */
  readonly agreed: (string | false | null)[];
  /** From now on. */
  protocols: readonly string[];
}

/** A TLS server that agrees to these, or to nothing, and says "hello" to everybody. */
async function serving(protocols: readonly string[], port = 0): Promise<Server> {
  const agreed: (string | false | null)[] = [];
  const now = { protocols };
  const bound = await lab.tlsServer(
    {
      allowHalfOpen: true,
      // Undefined refuses the handshake, as RFC 7301 wants it of a server that speaks none of them.
      ...(protocols.length === 0
        ? {}
        : { ALPNCallback: ({ protocols: offered }) => offered.find((one) => now.protocols.includes(one)) }),
    },
    (socket) => {
      agreed.push(socket.alpnProtocol);
      socket.on("data", () => undefined).on("end", () => socket.end("hello"));
    },
    port,
  );
  return {
    port: bound,
    agreed,
    get protocols() {
      return now.protocols;
    },
    set protocols(next) {
      now.protocols = next;
    },
  };
}

const mirroring = (port: number, rest: Partial<TcpProxySpec> = {}): Promise<TcpProxy> =>
  lab.proxy(port, {
    secure: secureSpec({ alpn: MIRROR }),
    tls: { ca: null, insecure: true, servername: null },
    ...rest,
  });

const offering = (proxy: TcpProxy, ...ALPNProtocols: string[]): Promise<Seen> =>
  lab.sees(proxy, { ALPNProtocols });

describe("a client is told what the upstream agrees to", () => {
  it("where that is one of the protocols, for both legs", async () => {
    const server = await serving(["h2"]);
    const proxy = await mirroring(server.port);
    expect(await offering(proxy, "http/1.1", "h2")).toMatchObject({
      how: "secure",
      alpn: "h2",
      text: "hello",
    });
    // Once it was asked, and once for the client.
    expect(server.agreed).toEqual(["h2", "h2"]);
  });

  it.each([
    ["octets that are no text, as GREASE has them (RFC 8701)", Buffer.from([0xfa, 0xfa])],
    ["the longest that there is", Buffer.alloc(255, 0xe9)],
  ])("where its name is made of %s", async (_, name) => {
    const ALPNProtocols = Buffer.concat([Buffer.of(name.length), name]);
    const agreed: unknown[] = [];
    const port = await lab.tlsServer({ allowHalfOpen: true, ALPNProtocols }, (socket) => {
      agreed.push(socket.alpnProtocol);
      socket.on("data", () => undefined).on("end", () => socket.end("hello"));
    });
    const proxy = await mirroring(port);
    const alpn = name.toString("latin1");
    expect(await lab.sees(proxy, { ALPNProtocols })).toMatchObject({ how: "secure", alpn, text: "hello" });
    expect(agreed).toEqual([alpn, alpn]);
  });

  it("where it leaves the matter open", async () => {
    const server = await serving([]);
    const proxy = await mirroring(server.port);
    expect(await offering(proxy, "h2")).toMatchObject({ how: "secure", alpn: null, text: "hello" });
  });

  it("where it speaks none of them, by the same alert", async () => {
    const server = await serving(["mqtt"]);
    const proxy = await mirroring(server.port);
    for (const _ of [1, 2])
      expect((await offering(proxy, "h2", "http/1.1")).how).toBe(
        "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
      );
    expect(lab.facts.of("connection_failed").map(({ text }) => text)).toEqual(
      Array<string>(2).fill("the upstream speaks none of the protocols that it offers"),
    );
    await until(() => lab.context.slots.taken === 0);
  });

  it("without asking, where the client offers nothing", async () => {
    const server = await serving(["h2"]);
    const proxy = await mirroring(server.port);
    expect(await lab.sees(proxy)).toMatchObject({ how: "secure", alpn: null, text: "hello" });
    expect(server.agreed).toHaveLength(1);
  });
});

describe("an upstream that changes", () => {
  it("is asked again after 30 s, and not before", async () => {
    const server = await serving(["h2"]);
    const proxy = await mirroring(server.port);
    expect((await offering(proxy, "h2", "http/1.1")).alpn).toBe("h2");
    server.protocols = ["http/1.1"];
    time.advance(29_999);
    // It is still told the old word, and the upstream refuses what it has been told.
    expect((await offering(proxy, "h2", "http/1.1")).alpn).toBe("h2");
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_tls"]);
    time.advance(1);
    expect(await offering(proxy, "h2", "http/1.1")).toMatchObject({ alpn: "http/1.1", text: "hello" });
  });

  it("is asked again as soon as it is there, where it was down", async () => {
    const port = await lab.deadPort();
    const proxy = await mirroring(port);
    // The end that it sees is that of any client whose upstream is down.
    expect(await offering(proxy, "h2")).toMatchObject({ how: "secure", alpn: null, text: "" });
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_refused"]);
    await serving(["h2"], port);
    time.advance(1_000);
    expect(await offering(proxy, "h2")).toMatchObject({ how: "secure", alpn: "h2", text: "hello" });
  });
});

it("where the first of a pool is down, the next one is asked", async () => {
  const server = await serving(["h2"]);
  const members = [
    { name: "a", host: "127.0.0.1", port: await lab.deadPort() },
    { name: "b", host: "127.0.0.1", port: server.port },
  ];
  const pool = { members, balance: "round_robin", health: null, eject: null, seed: 1 } as const;
  const proxy = await mirroring(server.port, { pool });
  expect((await offering(proxy, "h2")).alpn).toBe("h2");
});

describe("an upstream that is being asked when the proxy stops", () => {
  it("is let go at once, and asked again when the proxy is back", async () => {
    const upstream = await lab.upstream();
    const proxy = await mirroring(upstream.port);
    const client = await lab.tls(proxy, { ALPNProtocols: ["h2"] });
    client.on("error", () => undefined);
    const asked = await upstream.next();
    await asked.received(1);
    proxy.switchOff();
    await asked.ended;
    await turns();
    expect([time.idle, lab.context.slots.taken]).toEqual([true, 0]);
    await proxy.start();
    time.advance(1_000);
    const another = await lab.tls(proxy, { ALPNProtocols: ["h2"] });
    another.on("error", () => undefined);
    await (await upstream.next()).received(1);
  });
});
