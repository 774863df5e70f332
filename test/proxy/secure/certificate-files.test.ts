/** Certificates of one's own: who is shown which, and that they are exchanged without a connection that is lost. */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { CertificateFiles } from "../../../src/proxy/secure/certificate-files.js";
import { CERTIFICATE, KEY } from "../../support/certificate.js";
import { get, ok } from "../../support/http-lab.js";
import { turns, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";
import { asNobody, asRoot } from "../../support/wrong-files.js";

const closing = get("/", ["Connection: close"]);
let folder = "";
let time = new VirtualClock(Date.now());
let lab = new SecureLab();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-certificates-"));
  time = new VirtualClock(Date.now());
  lab = new SecureLab({ clock: time });
});
afterEach(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Files of that name, written as a careful tool does: each in one step. */
function write(name: string, { cert, key }: Partial<Pair>): Pair {
  const paths = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  for (const [path, text] of [
    [paths.cert, cert],
    [paths.key, key],
  ] as const) {
    if (text === undefined) continue;
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
  return paths;
}

/** Of a CA that others do not have, so that its key is its own. */
async function made(...names: string[]): Promise<Pair> {
  const authority = await lab.authority();
  return authority.present(names, null);
}

async function stranger(name: string): Promise<Pair> {
  const authority = await lab.authority();
  return authority.present([name], { problem: "weak_key", by: 0 });
}

describe("certificates of one's own", () => {
  it("are chosen by the name that a client asks for, before any is made", async () => {
    const server = await lab.answering();
    const certificates = [write("one", await made("one.example")), write("two", await made("*.two.example"))];
    const proxy = await lab.http(server.port, { secure: secureSpec({ certificates }) });
    for (const [servername, cn] of [
      ["one.example", "one.example"],
      ["a.two.example", "*.two.example"],
      ["three.example", "three.example"],
    ] as const)
      expect(await lab.sees(proxy, { servername }, closing), servername).toMatchObject({ how: "secure", cn });
    // Whoever names nobody is shown the first, as by other servers.
    const nameless = await lab.sees(proxy, { servername: "", checkServerIdentity: () => undefined }, closing);
    expect(nameless).toMatchObject({ how: "secure", cn: "one.example" });
  });

  it("are exchanged for those who come, and stay for those who are there", async () => {
    const server = await lab.scripted(() => ok("hello"));
    const certificates = [write("one", await made("one.example"))];
    const proxy = await lab.http(server.port, { secure: secureSpec({ certificates }) });
    const client = await lab.tls(proxy, { servername: "one.example" });
    let heard = "";
    client.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    client.write(get("/"));
    await until(() => heard === ok("hello"));
    // A name for which there is none yet: one is made.
    expect((await lab.sees(proxy, { servername: "new.example" })).cn).toBe("new.example");
    write("one", await made("one.example", "new.example"));
    await time.advance(1_000);
    const seen = await lab.tls(proxy, { servername: "new.example" });
    await new Promise((secure) => seen.once("secureConnect", secure));
    expect(seen.getPeerCertificate().subjectaltname).toContain("DNS:one.example, DNS:new.example");
    expect(lab.facts.of("certificate_reread")).toEqual([
      { kind: "certificate_reread", proxy: "jobs", cert: certificates[0]?.cert },
    ]);
    client.write(get("/"));
    await until(() => heard === ok("hello").repeat(2));
    // It is shown all the same: whoever put it there may want that.
    write("one", (await lab.authority()).present(["one.example"], { problem: "expired", by: 1_000 }));
    await time.advance(1_000);
    expect((await lab.sees(proxy, { servername: "one.example" })).how).toBe("CERT_HAS_EXPIRED");
    expect(lab.facts.of("certificate_reread")[1]?.warning).toMatch(
      /^the certificate of one\.example in .*one\.pem has expired on /u,
    );
  });

  it("are exchanged with those that clients' certificates must come from", async () => {
    const server = await lab.scripted();
    const ca = write("bots-ca", { cert: CERTIFICATE }).cert;
    const proxy = await lab.http(server.port, { secure: secureSpec({ clients: { ca, require: true } }) });
    const one = { cert: CERTIFICATE, key: KEY };
    // One for clients alone, which is what is wrong with it for servers.
    const recipe = { problem: "wrong_usage", by: 0 } as const;
    const { cert, key } = (await lab.authority()).present(["bot-7.example"], recipe);
    const two = { cert, key };
    const answered = async (client: TLSSocket): Promise<void> => {
      const heard = new Promise((resolve) => client.once("data", resolve));
      client.write(get("/"));
      expect(String(await heard)).toBe(ok("hello"));
    };
    const refused = async (shown: Pair): Promise<string | undefined> => {
      const client = await lab.tls(proxy, shown);
      return new Promise((resolve) => {
        client.once("error", ({ code }: NodeJS.ErrnoException) => {
          resolve(code);
        });
      });
    };
    const first = await lab.tls(proxy, one);
    await answered(first);
    expect(await refused(two)).toBe("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
    write("bots-ca", { cert: await lab.ca() });
    await time.advance(1_000);
    await answered(await lab.tls(proxy, two));
    expect(await refused(one)).toMatch(/^ERR_SSL_.*ALERT/u);
    await answered(first);
    write("bots-ca", { cert: "none" });
    await time.advance(1_000);
    await answered(await lab.tls(proxy, two));
    expect(lab.facts.of("certificate_reread")).toEqual([
      { kind: "certificate_reread", proxy: "jobs", cert: ca },
      {
        kind: "certificate_reread",
        proxy: "jobs",
        cert: ca,
        trouble: `there is no certificate (PEM) in ${ca}`,
      },
    ]);
  });

  it("stay as they were while only one of two files has been written, which is said once", async () => {
    const paths = write("one", await made("one.example"));
    const told: (string | null)[] = [];
    const files = new CertificateFiles(paths, time, (trouble) => told.push(trouble));
    const before = files.current.cert;
    const next = await stranger("one.example");
    write("one", { cert: next.cert });
    for (let look = 0; look < 3; look++) {
      await time.advance(1_000);
      expect(files.current.cert).toBe(before);
    }
    expect(told).toEqual([expect.stringMatching(/^the key in .*one\.key is not that of .*one\.pem$/u)]);
    write("one", { key: next.key });
    await time.advance(1_000);
    expect(files.current.cert).toBe(next.cert);
    expect(told).toEqual([expect.any(String), null]);
    rmSync(paths.cert);
    await time.advance(1_000);
    expect(files.current.cert).toBe(next.cert);
    expect(told).toHaveLength(3);
    await turns();
  });

  it("are read once they may be, where they could not be", async () => {
    chmodSync(folder, 0o755);
    const paths = write("one", await made("one.example"));
    const told: (string | null)[] = [];
    await asNobody(async () => {
      const files = new CertificateFiles(paths, time, (trouble) => told.push(trouble));
      const next = await asRoot(() => made("two.example"));
      await asRoot(async () => {
        write("one", next);
        chmodSync(paths.key, 0);
        await Promise.resolve();
      });
      await time.advance(1_000);
      expect(files.current.cert).not.toBe(next.cert);
      await asRoot(async () => {
        chmodSync(paths.key, 0o644);
        await Promise.resolve();
      });
      await time.advance(1_000);
      expect(files.current.cert).toBe(next.cert);
    });
    expect(told).toEqual([`cannot read the key in ${paths.key}: it may not be read`, null]);
  });

  it.each([
    ["is not there", {}, "cannot read the certificate in"],
    ["is none", { cert: "none", key: "none" }, "there is no certificate (PEM) in"],
  ] as const)("are refused where a file %s", (_, pair, text) => {
    const paths = write("bad", pair);
    expect(() => new CertificateFiles(paths, time, () => undefined)).toThrow(text);
  });

  it("are refused where the key is none, or another's", async () => {
    const { cert } = await made("one.example");
    const none = write("none", { cert, key: "none" });
    expect(() => new CertificateFiles(none, time, () => undefined)).toThrow("there is no private key (PEM)");
    const others = write("others", { cert, key: (await stranger("one.example")).key });
    expect(() => new CertificateFiles(others, time, () => undefined)).toThrow("is not that of");
  });
});

describe.each(["tcp", "http"] as const)(
  "what an upstream of a %s proxy is shown, and held against",
  (plane) => {
    /** Says whose certificate it was shown, as often as it is asked on a connection. */
    const naming = (): Promise<number> =>
      lab.tlsServer(
        { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] },
        (socket) => {
          const name = String(socket.getPeerCertificate().subject?.CN ?? "nobody");
          socket.on("data", () =>
            socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`),
          );
        },
      );

    it("is exchanged when its files change, and open connections stay", async () => {
      const port = await naming();
      const own = write("squall", await made("one.example"));
      const ca = write("servers", { cert: CERTIFICATE }).cert;
      const tls = {
        ca: CERTIFICATE,
        insecure: false,
        servername: "jobs.test",
        own: await made("one.example"),
        files: { ca, own },
      };
      const proxy = plane === "tcp" ? await lab.proxy(port, { tls }) : await lab.http(port, { tls });
      const first = lab.client(proxy);
      const asked = async (client: typeof first, name: string): Promise<void> => {
        const before = client.text.length;
        client.write(get("/"));
        await until(() => client.text.slice(before).endsWith(name));
      };
      await asked(first, "one.example");
      write("squall", await made("two.example"));
      await time.advance(1_000);
      const second = lab.client(proxy);
      await asked(second, "two.example");
      await asked(first, "one.example");
      // The server's certificate is another CA's by now.
      write("servers", { cert: await lab.ca() });
      await time.advance(1_000);
      const third = lab.client(proxy);
      third.write(get("/"));
      await until(() => lab.facts.of("connection_failed").length === 1);
      expect(lab.facts.of("connection_failed")[0]?.reason).toBe("upstream_tls");
      await asked(second, "two.example");
      write("servers", { cert: CERTIFICATE });
      await time.advance(1_000);
      await asked(lab.client(proxy), "two.example");
      expect(lab.facts.of("certificate_reread").map(({ cert }) => cert)).toEqual([own.cert, ca, ca]);
    });

    it("is refused where a file cannot be used", async () => {
      const own = write("squall", await made("one.example"));
      rmSync(own.key);
      const tls = { ca: null, insecure: true, servername: null, own: null, files: { ca: null, own } };
      await expect(plane === "tcp" ? lab.proxy(9, { tls }) : lab.http(9, { tls })).rejects.toThrow(
        "cannot read the key in",
      );
    });
  },
);
