import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Door } from "../../src/tls/door.js";
import { certificatesIn } from "../../src/tls/pem.js";
import { wallClock as clock } from "../support/tls-lab.js";
import { AdminLab } from "./admin-lab.js";

let here: AdminLab;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "squall-trust-"));
  here = await AdminLab.open({ authority: new Door({ source: { folder }, clock }) });
});
afterEach(async () => {
  await here.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the calls about the CA", () => {
  it("answer the certificate that bots must trust, alone and with the usual roots, and make a CA for it", async () => {
    const ca = await here.call("GET", "/ca.pem");
    expect(ca.headers["content-type"]).toBe("application/pem-certificate-chain");
    expect(ca.text).toBe(await readFile(join(folder, "ca.pem"), "utf8"));
    expect(new X509Certificate(ca.text).ca).toBe(true);
    const bundle = await here.call("GET", "/bundle.pem");
    expect(certificatesIn(bundle.text)).toEqual([
      ...rootCertificates.map((pem) => pem.trim()),
      ca.text.trim(),
    ]);
  });

  it("say which variable should name which file, and what the JVM wants", async () => {
    const { json } = await here.call("GET", "/env");
    const [file, bundle] = [join(folder, "ca.pem"), join(folder, "bundle.pem")];
    expect(json).toMatchObject({ files: { ca: file, bundle }, warnings: [] });
    const { variables, java, subject } = json as {
      readonly variables: readonly {
        readonly name: string;
        readonly roots: string;
        readonly value: string;
      }[];
      readonly java: string;
      readonly subject: string;
    };
    expect(subject).toContain("do not trust");
    expect(variables.find(({ name }) => name === "NODE_EXTRA_CA_CERTS")?.value).toBe(file);
    for (const { roots, value } of variables) expect(value).toBe(roots === "adds" ? file : bundle);
    expect(java).toContain(`-file '${file}'`);
    const lines = await here.call("GET", "/env?shell=bash");
    expect(lines.text).toContain(`export NODE_EXTRA_CA_CERTS='${file}'\nexport SSL_CERT_FILE='${bundle}'\n`);
    expect((await here.call("GET", "/env?shell=tcsh")).json).toMatchObject({ code: "SQ_BAD_PARAM" });
  });

  it("have a CA in memory as well, whose files are nowhere", async () => {
    const other = await AdminLab.open({ authority: new Door({ source: "memory", clock }) });
    const { json } = await other.call("GET", "/env");
    expect(json).toMatchObject({ files: null, java: null });
    expect((await other.call("GET", "/env?shell=fish")).json).toMatchObject({ code: "SQ_NOT_FOUND" });
    expect((await other.call("GET", "/ca.pem")).text).toBe((await other.call("GET", "/ca.pem")).text);
    await other.close();
  });

  it("refuse files that are no CA with the reason, and answer when they have been mended", async () => {
    const broken = join(folder, "ca-key.pem");
    await writeFile(broken, "nothing");
    expect((await here.call("GET", "/ca.pem")).json).toMatchObject({ code: "SQ_INVALID_CA" });
    await rm(broken);
    expect((await here.call("GET", "/ca.pem")).status).toBe(200);
  });

  it("answer no private key, whatever is asked", async () => {
    await here.call("GET", "/ca.pem");
    const key = await readFile(join(folder, "ca-key.pem"), "utf8");
    const secret = key.split("\n")[1] ?? "";
    expect(secret.length).toBeGreaterThan(60);
    const paths = Object.entries(here.contract.document.paths)
      // Two never end.
      .filter(([path, operations]) => "get" in operations && !/\{|^\/(?:events|live)$/u.test(path))
      .map(([path]) => path);
    expect(paths).toContain("/env");
    for (const path of [...paths, "/ca-key.pem", "/ca.pem/../ca-key.pem", "/key.pem"]) {
      const { text } = await here.raw("GET", path, {});
      expect(text).not.toContain(secret);
      expect(text).not.toContain("PRIVATE KEY");
    }
  });
});
