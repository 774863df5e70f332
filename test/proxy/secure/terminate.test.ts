/** Proxies that end their clients' TLS: what a client sees, what the upstream gets, and what is told of handshakes that fail. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { closing, ok } from "../../support/http-lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";
import { fault, turns, until } from "../../support/lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

describe("an http proxy that ends TLS", () => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)("passes requests on over %s", async (version) => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    const seen = await lab.sees(proxy, { minVersion: version, maxVersion: version }, closing);
    expect(seen).toMatchObject({ how: "secure", version, alpn: null, cn: "jobs.example" });
    expect(seen.text).toBe(ok("hello"));
    expect(server.requests.map(({ raw }) => raw)).toEqual([closing]);
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.facts.all.filter(({ kind }) => kind !== "proxy_started")).toEqual([]);
  });

  it("agrees to HTTP/1.1, and to nothing else", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    const both = await lab.sees(proxy, { ALPNProtocols: ["h2", "http/1.1"] });
    expect(both).toMatchObject({ how: "secure", alpn: "http/1.1" });
    const h2 = await lab.sees(proxy, { ALPNProtocols: ["h2"] });
    expect(h2.how).toBe("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["client_tls"]);
  });

  it("has a certificate for clients that dial an address", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    expect(await lab.sees(proxy, { servername: "" }, closing)).toMatchObject({
      how: "secure",
      text: ok("hello"),
    });
  });

  it.each([
    ["the one that it listens on", "127.0.0.2"],
    ["any of those of the machine", ""],
  ])("has a certificate for an address that nobody has named: %s", async (_, host) => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { listen: { host, port: 0 }, secure: secureSpec() });
    const dialled = { servername: "", host: "127.0.0.2" };
    expect(await lab.sees(proxy, dialled, closing)).toMatchObject({ how: "secure", text: ok("hello") });
  });

  it("resumes sessions", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const first = await lab.tls(proxy, { maxVersion });
      const [session] = (await once(first, "session")) as [Buffer];
      first.destroy();
      expect(await lab.sees(proxy, { maxVersion, session }, closing)).toMatchObject({
        how: "secure",
        resumed: true,
        text: ok("hello"),
      });
    }
  });

  it("tells clients that speak plain HTTP what it speaks", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    const client = lab.client(proxy);
    client.write(closing);
    await client.ended;
    expect(client.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*This port speaks HTTPS/u);
    expect(server.requests).toEqual([]);
    await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
  });

  it("speaks both on one port where it is to find out", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec({ mode: "detect" }) });
    expect(await lab.sees(proxy, {}, closing)).toMatchObject({ how: "secure", text: ok("hello") });
    expect((await lab.ask(proxy, closing)).raw).toBe(ok("hello"));
    expect(server.requests).toHaveLength(2);
  });

  it("takes a PROXY protocol header before the TLS, in one piece with the hello or apart from it", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec(), proxyProtocol: "accept" });
    lab.use([fault("http_delay", { delay: "1ms" })]);
    for (const [n, apart] of [true, false].entries()) {
      const carrier = connect(proxy.address.port, "127.0.0.1");
      await once(carrier, "connect");
      if (!apart) carrier.cork();
      carrier.write(`PROXY TCP4 10.0.0.${n + 1} 10.0.0.9 4000 443\r\n`);
      if (apart) await turns();
      process.nextTick(() => carrier.uncork());
      const seen = await lab.sees(proxy, { socket: carrier }, closing);
      expect(seen).toMatchObject({ how: "secure", text: ok("hello") });
    }
    expect(lab.facts.hits()).toEqual(["http_delay delayed 10.0.0.1", "http_delay delayed 10.0.0.2"]);
  });
});
