/** Proxies whose TLS is another one from now on: what it hangs on is looked at, and a mistake in it changes nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineFault, type AnyFaultType } from "../../../src/faults/contract/index.js";
import { ProxySet, type FileProxy } from "../../../src/proxy/proxy-set.js";
import { MIRROR } from "../../../src/proxy/secure/spec.js";
import type { Authority } from "../../../src/tls/authority.js";
import type { Contexts } from "../../../src/tls/contexts.js";
import type { AuthorityDoor } from "../../../src/tls/door.js";
import { CERTIFICATE } from "../../support/certificate.js";
import { fault, turns, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

const counting: AnyFaultType = defineFault({
  type: "test_counting",
  summary: "",
  example: {},
  effects: { hit: "" },
  explain: () => "",
  params: z.object({}),
  directions: null,
  handshake: (scope) => ({
    hello: () => {
      scope.count("hit");
      return { do: "pass" };
    },
    wakeAt: Infinity,
  }),
});
const COUNTING = { ...fault("blackhole"), name: "count", type: "test_counting", params: {} };

let lab = new SecureLab({ types: [counting] });
let folder: string | null = null;
afterEach(async () => {
  await lab.close();
  lab = new SecureLab({ types: [counting] });
  if (folder !== null) await rm(folder, { recursive: true });
  folder = null;
});

const fileOf = (port: number, rest: object = {}): FileProxy => ({
  name: "jobs",
  protocol: "tcp",
  listen: { host: "127.0.0.1", port: 0 },
  upstream: { host: "127.0.0.1", port },
  dialTimeout: 5_000,
  connections: 100,
  proxyProtocol: "off",
  except: [],
  ...rest,
});

describe("a proxy that speaks TLS from now on", () => {
  it("has handshakes that faults act on which were in force before", async () => {
    const proxySet = new ProxySet(lab.context, lab.plan);
    lab.onEnd(() => {
      proxySet.stop();
    });
    const port = await lab.echo();
    await proxySet.add(fileOf(port), "file");
    lab.use([COUNTING]);
    await proxySet.refile(fileOf(port, { secure: secureSpec() }));
    expect((await lab.sees(proxySet.find("jobs").proxy)).how).toBe("secure");
    expect(lab.facts.hits()).toEqual(["count hit 127.0.0.1"]);
  });

  it("goes on so with another address, which is all that an API of addresses says", async () => {
    const proxySet = new ProxySet(lab.context, lab.plan);
    lab.onEnd(() => {
      proxySet.stop();
    });
    const [port, other] = [await lab.echo(), await lab.echo()];
    const secure = secureSpec();
    const tls = { ca: null, insecure: true, servername: null };
    await proxySet.add(fileOf(port, { secure, tls, identify: [{ by: "sni" }] }), "file");
    await proxySet.populate(
      fileOf(other, { given: { listen: "127.0.0.1:0", upstream: `127.0.0.1:${other}` } }),
      true,
    );
    expect(proxySet.find("jobs").proxy.spec).toMatchObject({
      upstream: { port: other },
      secure,
      tls,
      identify: [{ by: "sni" }],
    });
  });
});

describe("another configuration", () => {
  it("with a file that cannot be used changes nothing, the port included", async () => {
    folder = await mkdtemp(join(tmpdir(), "squall-"));
    const secure = secureSpec();
    const proxy = await lab.proxy(await lab.echo(), { secure });
    const { spec, address } = proxy;
    const certificates = [{ cert: join(folder, "none.pem"), key: join(folder, "none.key") }];
    const listen = { host: "127.0.0.1", port: await lab.deadPort() };
    await expect(
      proxy.reconfigure({ ...spec, listen, secure: secureSpec({ certificates }) }),
    ).rejects.toMatchObject({ code: "SQ_INVALID_CONFIG" });
    expect([proxy.spec, proxy.address]).toEqual([spec, address]);
    expect((await lab.sees(proxy)).how).toBe("secure");
  });

  it("of the pool alone is what certificates are made for", async () => {
    const port = await lab.echo();
    const proxy = await lab.proxy(port, { secure: secureSpec() });
    const { spec } = proxy;
    const members = [{ name: "a", host: "a.example", port }];
    const pool = { members, balance: "first", health: null, eject: null, seed: 1 } as const;
    await proxy.reconfigure({ ...spec, pool });
    const socket = await lab.tls(proxy, { servername: "jobs.example" });
    await new Promise((secure) => socket.once("secureConnect", secure));
    expect(socket.getPeerCertificate().subjectaltname).toContain("DNS:a.example");
  });

  it("of the upstream's TLS alone is what protocols are asked with", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, { secure: secureSpec({ alpn: MIRROR }) });
    await proxy.reconfigure({ ...proxy.spec, tls: { ca: null, insecure: true, servername: null } });
    const socket = await lab.tls(proxy, { ALPNProtocols: ["h2"] });
    let secured = false;
    socket.once("secureConnect", () => (secured = true));
    // The proxy's own hello: the client is not answered before it is.
    expect((await (await upstream.next()).received(1))[0]).toBe(22);
    await turns();
    expect(secured).toBe(false);
  });
});

describe("where no certificate can be made", () => {
  /** A CA in a folder that has become unreadable. */
  class Shut implements AuthorityDoor {
    readonly opened: Contexts | null = null;
    readonly authority: Authority | null = null;
    tries = 0;

    open(): Promise<Contexts> {
      this.tries++;
      return Promise.reject(new Error("the folder of the CA cannot be read"));
    }
  }

  it("each client is sent an alert and told of, and the next one tries again", async () => {
    const door = new Shut();
    const shut = new SecureLab({ authority: door });
    try {
      const proxy = await shut.proxy(await shut.echo(), { secure: secureSpec() });
      const idle = shut.client(proxy);
      await idle.connected;
      await turns();
      for (const tries of [1, 2]) {
        const seen = await shut.sees(proxy, { ca: CERTIFICATE });
        expect(seen.how).toBe("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR");
        expect(door.tries).toBe(tries);
      }
      expect(shut.facts.of("connection_failed").map(({ reason }) => reason)).toEqual([
        "client_tls",
        "client_tls",
      ]);
      // Who has not asked for anything yet is not ended for it.
      expect(idle.end).toBeNull();
      await until(() => shut.context.slots.taken === 1);
    } finally {
      await shut.close();
    }
  });
});
