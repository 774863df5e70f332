/** All planes bind their ports in one place: `:PORT` is both families, or IPv4 where the kernel has no IPv6. */
import dgram from "node:dgram";
import net from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { onAddress } from "../../../src/proxy/sockets/bind.js";
import { UdpProxy } from "../../../src/proxy/udp/proxy.js";
import { AdminLab } from "../../admin/admin-lab.js";
import { dnsProxy } from "../../support/dns-lab.js";
import { HttpLab } from "../../support/http-lab.js";

const lab = new HttpLab();
const ends: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const end of ends.splice(0).reverse()) await end();
  await lab.close();
});

const ANY = { host: "", port: 0 };
const failure = (code: string): Error => Object.assign(new Error(`bind ${code} :::0`), { code });

/** As a kernel that was built without IPv6 has it. */
function withoutIPv6(code = "EAFNOSUPPORT"): void {
  const { listen } = net.Server.prototype;
  vi.spyOn(net.Server.prototype, "listen").mockImplementation(function (
    this: net.Server,
    ...given: unknown[]
  ) {
    const [options] = given as [{ readonly host?: string }];
    if (options.host !== undefined && options.host !== "::")
      return Reflect.apply(listen, this, given) as net.Server;
    if (options.host === undefined)
      throw new Error("a port is bound without an address: Node would choose the family");
    process.nextTick(() => this.emit("error", failure(code)));
    return this;
  });
  const { bind } = dgram.Socket.prototype;
  vi.spyOn(dgram.Socket.prototype, "bind").mockImplementation(function (
    this: dgram.Socket,
    ...given: unknown[]
  ) {
    const [options] = given as [{ readonly address?: string }];
    if (options.address !== undefined && options.address !== "::")
      return Reflect.apply(bind, this, given) as dgram.Socket;
    process.nextTick(() => this.emit("error", failure(code)));
    return this;
  });
}

describe.each(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"])(
  "without IPv6 (%s), a port on all addresses",
  (code) => {
    it.each(["tcp", "http", "udp", "dns", "admin"])("of %s is one of IPv4", async (plane) => {
      withoutIPv6(code);
      const address = await open(plane);
      expect(address.host).toBe("0.0.0.0");
      expect(address.port).toBeGreaterThan(0);
    });
  },
);

async function open(plane: string): Promise<{ readonly host: string; readonly port: number }> {
  switch (plane) {
    case "tcp":
      return (await lab.proxy(1, { listen: ANY })).address;
    case "http":
      return (await lab.http(1, { listen: ANY })).address;
    case "dns":
      return (await dnsProxy(lab, { listen: ANY })).address;
    case "udp": {
      const proxy = new UdpProxy(
        {
          name: "u",
          protocol: "udp",
          listen: ANY,
          upstream: { host: "127.0.0.1", port: 1 },
          idleTimeout: 1_000,
          dialTimeout: 1_000,
          connections: 10,
          proxyProtocol: "off",
          except: [],
        },
        lab.context,
      );
      ends.push(() => {
        proxy.stop();
      });
      await proxy.start();
      return proxy.address;
    }
    default: {
      const here = await AdminLab.open({ listen: ANY });
      ends.push(() => here.close());
      return here.admin.address;
    }
  }
}

describe("a port that cannot be had", () => {
  it.each(["EADDRINUSE", "EACCES"])("for %s is not tried on fewer addresses", async (code) => {
    const tried: string[] = [];
    const opened = onAddress(ANY, ({ host }) => {
      tried.push(host);
      return Promise.reject(failure(code));
    });
    await expect(opened).rejects.toMatchObject({ code });
    expect(tried).toEqual(["::"]);
  });

  it("on an address that was named is not bound on another one", async () => {
    const opened = onAddress({ host: "::", port: 0 }, () => Promise.reject(failure("EAFNOSUPPORT")));
    await expect(opened).rejects.toMatchObject({ code: "EAFNOSUPPORT" });
  });
});
