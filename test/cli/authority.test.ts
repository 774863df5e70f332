import { X509Certificate } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "../../src/tls/door.js";
import { certificatesIn } from "../../src/tls/pem.js";
import { AdminLab } from "../admin/admin-lab.js";
import { commandHere } from "../support/command-here.js";
import type { Said } from "../support/process.js";
import { wallClock as clock } from "../support/tls-lab.js";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "squall-ca-"));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

const run = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> =>
  commandHere(words, { cwd, env });

describe("squall ca", () => {
  it("shows the CA of the folder that squall.yaml names, and makes it if it is not there", async () => {
    writeFileSync(join(cwd, "squall.yaml"), "tls: { ca: ./squall-ca, names: [jobs.example] }\n");
    const { code, out, err } = await run(["ca"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(
      /^CN=Squall test CA - do not trust - .+\n {2}valid until {2}20\d\d-\d\d-\d\d, 72\d days left\n/u,
    );
    expect(out).toContain("signs for    jobs.example\n");
    expect(out).toContain(`bots read    ${join(cwd, "squall-ca/ca.pem")}\n`);
    const json = JSON.parse((await run(["ca", "show", "--json"])).out) as Record<string, unknown>;
    expect(json).toMatchObject({ names: ["jobs.example"], warnings: [] });
    const { fingerprint256 } = new X509Certificate(readFileSync(join(cwd, "squall-ca/ca.pem")));
    expect(json["fingerprint"]).toBe(fingerprint256);
    expect(out).toContain(fingerprint256);
  });

  it("exports the certificate, alone or with the usual roots", async () => {
    const alone = await run(["ca", "export", "--folder", "ca"]);
    expect(alone.out).toBe(readFileSync(join(cwd, "ca/ca.pem"), "utf8"));
    await run(["ca", "export", "--folder", "ca", "--bundle", "--out", "all.pem"]);
    expect(certificatesIn(readFileSync(join(cwd, "all.pem"), "utf8")).length).toBeGreaterThan(100);
    for (const { out, err } of [
      alone,
      await run(["ca", "--folder", "ca"]),
      await run(["ca", "--folder", "ca", "--json"]),
    ])
      expect(out + err).not.toContain("PRIVATE KEY");
  });

  it("renews the CA with its key, or with another one", async () => {
    const pem = (): X509Certificate => new X509Certificate(readFileSync(join(cwd, "ca/ca.pem")));
    await run(["ca", "--folder", "ca"]);
    const first = pem();
    expect((await run(["ca", "renew", "--folder", "ca"])).code).toBe(0);
    const second = pem();
    expect(second.fingerprint256).not.toBe(first.fingerprint256);
    expect(second.publicKey.equals(first.publicKey)).toBe(true);
    const other = await run(["ca", "renew", "--new-key", "--folder", "ca"]);
    expect(other.err).toBe(
      "squall: a daemon that runs takes it for new connections, and open ones stay; bots must be given the new ca.pem, and refuse what is new until then\n",
    );
    expect(pem().publicKey.equals(first.publicKey)).toBe(false);
  });

  it("asks the daemon whose CA is in memory", async () => {
    const here = await AdminLab.open({ authority: new Door({ source: "memory", clock }) });
    const admin = ["--admin", here.admin.url];
    const shown = await run(["ca", ...admin]);
    expect(shown.out).toContain("in memory, or in files of yours: squall ca export");
    const { out } = await run(["ca", "export", ...admin]);
    expect(shown.out).toContain(new X509Certificate(out).fingerprint256);
    expect(certificatesIn((await run(["ca", "export", "--bundle", ...admin])).out).length).toBeGreaterThan(
      100,
    );
    await here.close();
  });

  it("says in one sentence what it cannot do", async () => {
    const refused = async (...words: string[]): Promise<string> => {
      const { code, out, err } = await run(words, { SQUALL_ADMIN: "http://127.0.0.1:1" });
      expect(out).toBe("");
      return `${code} ${err.trim()}`;
    };
    expect(await refused("ca", "delete")).toBe('2 squall: expected show, export, renew, got "delete"');
    expect(await refused("ca", "show", "--new-key")).toBe(
      "2 squall: --new-key: squall ca show does not take it",
    );
    expect(await refused("ca", "renew", "--out", "a")).toBe(
      "2 squall: --out: squall ca renew does not take it",
    );
    expect(await refused("ca", "renew")).toContain("2 squall: there is no folder with a CA to renew");
    expect(await refused("ca")).toContain("4 squall: no Squall answers at http://127.0.0.1:1");
    writeFileSync(join(cwd, "plain.yaml"), "watch: true\n");
    expect(await refused("ca", "-c", "plain.yaml")).toContain("3 squall: plain.yaml names no CA");
    mkdirSync(join(cwd, "bad"));
    writeFileSync(join(cwd, "bad/ca-key.pem"), "nothing");
    expect(await refused("ca", "--folder", "bad")).toContain("3 squall: the CA in");
    writeFileSync(join(cwd, "own.yaml"), "tls: { ca: { cert: ./a.pem, key: ./a.key } }\n");
    expect(await refused("ca", "renew", "-c", "own.yaml")).toContain("only a CA in a folder can be renewed");
  });
});

describe("squall env", () => {
  it("prints lines for the shell, with absolute paths", async () => {
    const { out, err } = await run(["env", "--folder", "ca"]);
    expect(err).toBe("");
    expect(out).toContain(`export NODE_EXTRA_CA_CERTS='${join(cwd, "ca/ca.pem")}'\n`);
    expect(out).toContain(`export SSL_CERT_FILE='${join(cwd, "ca/bundle.pem")}'\n`);
    const json = JSON.parse((await run(["env", "--folder", "ca", "--json"])).out) as Record<string, string>;
    expect(json["SSL_CERT_FILE"]).toBe(join(cwd, "ca/bundle.pem"));
    expect((await run(["env", "--folder", "ca", "--shell", "cmd"])).err).toContain(
      "--shell: expected bash, fish",
    );
  });

  it("writes the files first where the CA is in no folder that bots can read", async () => {
    const here = await AdminLab.open({ authority: new Door({ source: "memory", clock }) });
    const admin = ["--admin", here.admin.url];
    expect(await run(["env", ...admin])).toEqual({
      code: 1,
      out: "",
      err: expect.stringContaining("--write FOLDER") as string,
    });
    const { out } = await run(["env", ...admin, "--write", "trust"]);
    expect(readdirSync(join(cwd, "trust")).sort()).toEqual(["bundle.pem", "ca.pem"]);
    expect(out).toContain(`export CURL_CA_BUNDLE='${join(cwd, "trust/bundle.pem")}'\n`);
    expect(existsSync(join(cwd, "trust/ca-key.pem"))).toBe(false);
    await here.close();
  });
});
