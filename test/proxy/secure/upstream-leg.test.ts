/** Upstreams over TLS, of tcp and of http proxies: certificates of ours and of theirs, versions, and handshakes that come to nothing. */
import type { TlsOptions as TlsServerOptions } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import type { TlsOptions } from "../../../src/proxy/upstream/dial.js";
import { CERTIFICATE, KEY } from "../../support/certificate.js";
import { get } from "../../support/http-lab.js";
import { until, type Client } from "../../support/lab.js";
import { SecureLab } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

/** Says the certificate's name, the version and the protocol that a handshake came to, and ends. */
function serving(options: TlsServerOptions = {}): Promise<number> {
  return lab.tlsServer(options, (socket) => {
    const { subject } = socket.getPeerCertificate();
    const said = [String(subject?.CN ?? "nobody"), socket.getProtocol(), socket.alpnProtocol].join(" ");
    socket.once("data", () => {
      socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${said.length}\r\n\r\n${said}`);
    });
  });
}

const PLANES = ["tcp", "http"] as const;
type Plane = (typeof PLANES)[number];

const OPTIONS: TlsOptions = { ca: CERTIFICATE, insecure: false, servername: "jobs.test" };

/** One request through a proxy, and what the client has read when it is over. */
async function asked(plane: Plane, port: number, options: Partial<TlsOptions> = {}): Promise<Client> {
  const upstream = { tls: { ...OPTIONS, ...options } };
  const proxy = plane === "tcp" ? await lab.proxy(port, upstream) : await lab.http(port, upstream);
  const client = lab.client(proxy);
  client.write(get("/", ["Connection: close"]));
  await client.ended;
  client.fin();
  await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
  return client;
}

const failures = (): string[] => lab.facts.of("connection_failed").map(({ reason }) => reason);

describe.each(PLANES)("an upstream over TLS of a %s proxy", (plane) => {
  const alpn = plane === "http" ? "http/1.1" : "false";

  it("is shown a certificate of ours, where there is one", async () => {
    const port = await serving({
      requestCert: true,
      rejectUnauthorized: true,
      ca: CERTIFICATE,
      ALPNProtocols: ["http/1.1"],
    });
    const client = await asked(plane, port, { own: { cert: CERTIFICATE, key: KEY } });
    expect(client.text).toMatch(new RegExp(`jobs\\.test TLSv1\\.3 ${alpn}$`, "u"));
    expect(failures()).toEqual([]);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "that wants one over %s and gets none is told of",
    async (maxVersion) => {
      const port = await serving({
        requestCert: true,
        rejectUnauthorized: true,
        ca: CERTIFICATE,
        maxVersion,
      });
      const client = await asked(plane, port);
      expect(client.text).not.toContain("200 OK");
      expect(failures()).toHaveLength(1);
      // Over 1.3 we took ourselves to be through, and learn by its alert that we are not.
      expect(failures()[0]).toMatch(maxVersion === "TLSv1.2" ? /^upstream_tls$/u : /^upstream_/u);
    },
  );

  it("that speaks an older version than is asked for is told of", async () => {
    const port = await serving({ maxVersion: "TLSv1.2" });
    await asked(plane, port, { min: "1.3" });
    expect(failures()).toEqual(["upstream_tls"]);
  });

  it("whose certificate nobody trusts is told of, with the reason", async () => {
    const client = await asked(plane, await serving(), { ca: await lab.ca() });
    expect(client.text).not.toContain("200 OK");
    expect(lab.facts.of("connection_failed").map(({ reason, text }) => `${reason} ${text}`)).toEqual([
      expect.stringMatching(/^upstream_tls .*(?:self-signed|unable to verify)/u),
    ]);
  });

  it.each(["fin", "rst"] as const)("that ends the handshake by %s is told of", async (how) => {
    const port = await lab.server((socket) => {
      socket.once("data", () => {
        if (how === "fin") socket.end();
        else socket.resetAndDestroy();
      });
    });
    await asked(plane, port);
    expect(failures()).toEqual(["upstream_tls"]);
  });
});
