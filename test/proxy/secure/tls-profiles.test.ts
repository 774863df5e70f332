/** The profiles for TLS: what a client of Node's sees of each, by the clock of its phases. */
import * as fsPromises from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Library } from "../../../src/config/library.js";
import { loadProfiles } from "../../../src/config/load.js";
import { compileProfile } from "../../../src/plan/compile.js";
import { closing, get, ok } from "../../support/http-lab.js";
import { TYPES, turns, until } from "../../support/lab.js";
import { secureSpec, secureTimeLab, type SecureLab } from "../../support/secure-lab.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const library = new Library(TYPES);
beforeAll(async () => {
  library.replaceFiles(await loadProfiles([join(ROOT, "profiles")], fsPromises, ROOT));
});

let { lab, time } = secureTimeLab();
afterEach(async () => {
  await lab.close();
  ({ lab, time } = secureTimeLab());
});

const GOOD = { how: "secure", text: ok("hello") };

async function proxied(): ReturnType<SecureLab["http"]> {
  const server = await lab.answering();
  return lab.http(server.port, { secure: secureSpec() });
}

function use(name: string, params: Record<string, unknown> = {}, seed = 1): void {
  const { faults, phases } = compileProfile(name, library, params, TYPES);
  lab.use(faults, { phases, seed });
}

describe("the profile", () => {
  it.each([
    ["cert-expired", { how: "CERT_HAS_EXPIRED" }],
    ["cert-wrong-host", { how: "ERR_TLS_CERT_ALTNAME_INVALID" }],
    ["cert-chain-incomplete", { how: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" }],
    ["tls-too-old", { how: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" }],
    ["corporate-mitm", { how: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" }],
  ])("%s", async (name, seen) => {
    const proxy = await proxied();
    use(name);
    expect(await lab.sees(proxy, {}, closing)).toMatchObject(seen);
    lab.heal();
    expect(await lab.sees(proxy, {}, closing)).toMatchObject(GOOD);
  });

  it("cert-not-yet-valid, until clocks agree", async () => {
    const proxy = await proxied();
    use("cert-not-yet-valid");
    expect((await lab.sees(proxy, {}, closing)).how).toBe("CERT_NOT_YET_VALID");
    time.advance(30_000);
    expect(await lab.sees(proxy, {}, closing)).toMatchObject(GOOD);
  });

  it("cert-expires-mid-run: what is open lives until it is idle, what is new fails, and then all is well", async () => {
    const server = await lab.scripted();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    use("cert-expires-mid-run");
    const open = await lab.tls(proxy);
    const answers: string[] = [];
    open.on("data", (chunk: Buffer) => answers.push(chunk.toString()));
    const ask = async (): Promise<void> => {
      const before = answers.length;
      open.write(get("/v1/jobs"));
      await until(() => answers.length > before);
    };
    await ask();
    time.advance(10_000);
    await turns();
    expect((await lab.sees(proxy, {}, closing)).how).toBe("CERT_HAS_EXPIRED");
    await ask();
    const ended = new Promise((over) => open.once("end", over));
    time.advance(1_999);
    await turns();
    expect(open.readableEnded).toBe(false);
    time.advance(1);
    await ended;
    expect((await lab.sees(proxy, {}, closing)).how).toBe("CERT_HAS_EXPIRED");
    time.advance(28_000);
    const renewed = await lab.tls(proxy);
    await new Promise((secure) => renewed.once("secureConnect", secure));
  });

  it("tls-alert-storm: a share of the handshakes, the same ones for the same seed", async () => {
    const proxy = await proxied();
    const run = async (): Promise<string> => {
      use("tls-alert-storm", { part: "50%" }, 5);
      let seen = "";
      for (let n = 0; n < 10; n++) {
        const { how } = await lab.sees(proxy, {}, closing);
        expect(["secure", "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"]).toContain(how);
        seen += how === "secure" ? "." : "x";
      }
      return seen;
    };
    const first = await run();
    expect(first).toMatch(/^(?=.*x)(?=.*\.)/u);
    expect(await run()).toBe(first);
  });

  it("tls-stall: in the handshake and afterwards, for as long as it is there", async () => {
    const proxy = await proxied();
    use("tls-stall", { part: "100%" });
    const socket = await lab.tls(proxy);
    let secure = false;
    socket.on("secureConnect", () => (secure = true));
    await until(() => lab.facts.of("fault_hit").length === 1);
    time.advance(86_400_000);
    await turns();
    expect([secure, socket.destroyed]).toEqual([false, false]);
    lab.heal();
    await until(() => secure);
  });

  it("corporate-mitm reads one name's traffic only", async () => {
    const proxy = await proxied();
    use("corporate-mitm", { name: "jobs.example" });
    expect((await lab.sees(proxy, { servername: "jobs.example" }, closing)).how).toBe(
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    );
    expect(await lab.sees(proxy, { servername: "other.example" }, closing)).toMatchObject(GOOD);
  });

  it("tls-truncated cuts responses short", async () => {
    const body = "x".repeat(2_000);
    const server = await lab.answering(body);
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    use("tls-truncated", { part: "100%", after: "300B" });
    const { text } = await lab.sees(proxy, {}, closing);
    expect(text).toBe(ok(body).slice(0, 300));
  });
});
