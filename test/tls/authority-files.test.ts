import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAuthority, renewAuthority, type Authority } from "../../src/tls/authority.js";
import { folderCA } from "../../src/tls/authority-files.js";
import type { CA } from "../../src/tls/ca.js";
import { makeCA, newPair } from "../../src/tls/mint.js";
import { certificatesIn } from "../../src/tls/pem.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";
import { wallClock as clock } from "../support/tls-lab.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "squall-ca-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const open = (where: string): Promise<Authority> => openAuthority({ source: { folder: where }, clock });
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

describe("a CA's folder", () => {
  it("is made at first need, closed to others, and the same CA is in it ever after", async () => {
    const made = join(folder, "deep", "squall-ca");
    const first = await open(made);
    expect((await readdir(made)).sort()).toEqual(["bundle.pem", "ca-key.pem", "ca.pem"]);
    expect(await modeOf(made)).toBe(0o700);
    expect(await modeOf(join(made, "ca-key.pem"))).toBe(0o600);
    const again = await open(made);
    expect([again.ca, again.notAfter]).toEqual([first.ca, first.notAfter]);
    expect(again.warnings()).toEqual([]);
    expect(first.subject).toMatch(/^CN=Squall test CA - do not trust - ./u);
    const leaf = new X509Certificate(first.present(["jobs.example"], null).cert);
    expect(leaf.verify(new X509Certificate(again.ca).publicKey)).toBe(true);
  });

  it("has what bots read beside the key: the CA alone, and with the roots that Node trusts", async () => {
    const authority = await open(folder);
    const { files } = authority;
    expect(files).toEqual({ folder, ca: join(folder, "ca.pem"), bundle: join(folder, "bundle.pem") });
    expect(await readFile(join(folder, "ca.pem"), "utf8")).toBe(authority.ca);
    expect(await readFile(join(folder, "bundle.pem"), "utf8")).toBe(authority.bundle);
    expect(certificatesIn(authority.bundle)).toHaveLength(rootCertificates.length + 1);
    expect(certificatesIn(authority.bundle).at(-1)).toBe(authority.ca.trim());
    await rm(join(folder, "ca.pem"));
    await writeFile(join(folder, "bundle.pem"), "something else");
    await open(folder);
    expect(await readFile(join(folder, "ca.pem"), "utf8")).toBe(authority.ca);
    expect(await readFile(join(folder, "bundle.pem"), "utf8")).toBe(authority.bundle);
  });

  it("has one CA, however many daemons begin at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => open(folder)));
    expect(new Set(all.map(({ ca }) => ca)).size).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(["bundle.pem", "ca-key.pem", "ca.pem"]);
  });

  it("has the CA of whoever is done first: another one that was being made meanwhile is dropped", async () => {
    const make = async (name: string): Promise<CA> =>
      makeCA({ name, constraints: [], pair: await newPair("ec"), now: clock.wallTime() });
    const slow = await folderCA(folder, async () => {
      await folderCA(folder, () => make("quick"));
      return make("slow");
    });
    expect(new X509Certificate(slow.ca.chain[0]).subject).toBe("CN=quick");
    expect(new X509Certificate(await readFile(join(folder, "ca.pem"))).subject).toBe("CN=quick");
  });

  it("is warned about where others can read the key, and works all the same", async () => {
    await open(folder);
    await chmod(join(folder, "ca-key.pem"), 0o644);
    const authority = await open(folder);
    expect(authority.warnings()).toEqual([expect.stringContaining("ca-key.pem: who reads the CA's key")]);
    expect(authority.present(["jobs.example"], null).cert).toContain("BEGIN CERTIFICATE");
  });

  it("is refused with the reason where what is there is no CA", async () => {
    const file = join(folder, "ca-key.pem");
    const ec = (await openAuthority({ source: "memory", clock })).present(["jobs.example"], null);
    for (const [text, reason] of [
      ["", "there is no certificate"],
      [CERTIFICATE, "there is no private key"],
      [CERTIFICATE + ec.key, "the key in"],
      [ec.cert + ec.key, "not that of a CA"],
      ["x".repeat(2 ** 21), "is larger than 1MiB"],
    ] as const) {
      await writeFile(file, text);
      const error: unknown = await open(folder).catch((failed: unknown) => failed);
      expect(error).toMatchObject({
        code: "SQ_INVALID_CA",
        message: expect.stringContaining(reason) as string,
      });
      expect(inspect(error)).not.toContain("PRIVATE KEY");
      expect(await readFile(file, "utf8")).toBe(text);
    }
    await rm(file);
    await mkdir(file);
    await expect(open(folder)).rejects.toMatchObject({ code: "SQ_INVALID_CA" });
    await writeFile(join(folder, "plain"), "");
    await expect(open(join(folder, "plain"))).rejects.toMatchObject({ code: "SQ_INVALID_CA" });
  });

  it("is renewed with the same key: who trusts the old certificate accepts new leaves, and the other way round", async () => {
    const first = await open(folder);
    const later = { wallTime: () => clock.wallTime() + 300 * 86_400_000 };
    await renewAuthority({ source: { folder }, clock: later });
    const second = await openAuthority({ source: { folder }, clock: later });
    expect(second.ca).not.toBe(first.ca);
    expect(second.notAfter - first.notAfter).toBeGreaterThan(299 * 86_400_000);
    expect(await readFile(join(folder, "ca.pem"), "utf8")).toBe(second.ca);
    const { cert } = second.present(["jobs.example"], null);
    for (const { ca } of [first, second]) {
      const trusted = new X509Certificate(ca);
      expect(new X509Certificate(cert).verify(trusted.publicKey)).toBe(true);
      expect(new X509Certificate(cert).checkIssued(trusted)).toBe(true);
    }
    await renewAuthority({ source: { folder }, clock: later, newKey: true });
    const third = await openAuthority({ source: { folder }, clock: later });
    expect(new X509Certificate(cert).verify(new X509Certificate(third.ca).publicKey)).toBe(false);
    expect(await modeOf(join(folder, "ca-key.pem"))).toBe(0o600);
  });

  it("keeps to the names that its CA was confined to, renewed or not", async () => {
    const confined = { source: { folder }, clock, names: ["jobs.example"] };
    await openAuthority(confined);
    expect((await open(folder)).permits("other.example")).toBe(false);
    await renewAuthority(confined);
    expect((await open(folder)).permits("other.example")).toBe(false);
  });

  it("shows its key to nobody: not where it is printed, nor as JSON", async () => {
    const authority = await open(folder);
    const key = createPrivateKey(await readFile(join(folder, "ca-key.pem"), "utf8"));
    const secret = key.export({ type: "pkcs8", format: "pem" }).toString().split("\n")[1] ?? "";
    expect(secret.length).toBeGreaterThan(60);
    const printed = inspect(authority, { depth: null, showHidden: true, getters: true });
    for (const text of [printed, JSON.stringify(authority), authority.ca, authority.bundle]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain("PRIVATE KEY");
    }
  });
});

describe("a folder for bots", () => {
  it("has what bots read and not the key, readable for all whatever the process takes away from files", async () => {
    const share = join(folder, "deep", "trust");
    const before = process.umask(0o077);
    const authority = await openAuthority({ source: "memory", share, clock }).finally(() =>
      process.umask(before),
    );
    expect((await readdir(share)).sort()).toEqual(["bundle.pem", "ca.pem"]);
    expect(await readFile(join(share, "ca.pem"), "utf8")).toBe(authority.ca);
    expect(await modeOf(join(share, "ca.pem"))).toBe(0o644);
    expect(authority.files).toEqual({
      folder: share,
      ca: join(share, "ca.pem"),
      bundle: join(share, "bundle.pem"),
    });
    const next = await openAuthority({ source: { folder: join(folder, "own") }, share, clock });
    expect(await readFile(join(share, "ca.pem"), "utf8")).toBe(next.ca);
    await writeFile(join(folder, "plain"), "");
    await expect(
      openAuthority({ source: "memory", share: join(folder, "plain"), clock }),
    ).rejects.toMatchObject({ code: "SQ_INVALID_CA" });
  });
});

describe("a CA of the user's own", () => {
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };

  it("signs, and is what bots trust", async () => {
    const source = { cert: await write("own.pem", CERTIFICATE), key: await write("own.key", KEY) };
    const authority = await openAuthority({ source, clock });
    expect([authority.ca.trim(), authority.files]).toEqual([CERTIFICATE.trim(), null]);
    const leaf = new X509Certificate(authority.present(["a.example"], null).cert);
    expect(leaf.verify(new X509Certificate(CERTIFICATE).publicKey)).toBe(true);
    expect(leaf.issuer).toBe("CN=jobs.test");
    await expect(renewAuthority({ source, clock })).rejects.toMatchObject({ code: "SQ_INVALID_CA" });
  });

  it("is refused with the file's name where one is missing", async () => {
    const source = { cert: join(folder, "none.pem"), key: join(folder, "none.key") };
    await expect(openAuthority({ source, clock })).rejects.toThrow(/none\.pem is not there/u);
  });
});
