/** Each kind of TLS between real sockets: it hits the second handshake of its proxy, and no other, and a client that checks says so. */
import { afterEach, describe, expect, it } from "vitest";
import { locate } from "../../../src/config/located.js";
import { compileFaults } from "../../../src/plan/compile.js";
import type { FaultInput } from "../../../src/sweep/contract/run.js";
import { KINDS } from "../../../src/sweep/kinds/kinds.js";
import type { AnyKind } from "../../../src/sweep/kinds/kind.js";
import { closing } from "../../support/http-lab.js";
import { TYPES, turns, until } from "../../support/lab.js";
import { tlsSite } from "../../support/made-up-sites.js";
import { SecureLab, secureSpec, secureTimeLab } from "../../support/secure-lab.js";

let lab: SecureLab;
afterEach(async () => {
  await lab.close();
});

const TLS = KINDS.filter(({ protocol }) => protocol === "tls");
const use = (faults: readonly FaultInput[]): void => {
  lab.use(compileFaults(locate([...faults]), TYPES).compiled.faults);
};

/** What Node's own client goes on with: common names and keys are good enough for it, and it asks for no revocations. */
const GOES_ON = ["slow", "no-san", "revoked", "huge", "unsaid-end"];
// From Node 24 on it asks for OpenSSL's security level 2, and RSA keys of 1,024 bits are below that.
if (Number.parseInt(process.versions.node, 10) < 24) GOES_ON.push("weak-key");
/** A wrong certificate, as far as the client could know. */
const WRONG = TLS.filter(({ expects }) => expects.next === "refuse")
  .map(({ name }) => name)
  .filter((name) => !["revoked", "old-version", "certificate-wanted"].includes(name));

describe("a kind of TLS", () => {
  it.each(TLS.map((kind): readonly [string, AnyKind] => [kind.name, kind]))(
    "%s hits the second handshake",
    async (name, kind) => {
      const { lab: own, time } = secureTimeLab();
      lab = own;
      const server = await lab.answering();
      const proxy = await lab.http(server.port, { name: "jobs", secure: secureSpec() });
      use(kind.faults(tlsSite(), { word: "second", nth: 2 }));
      for (const n of [1, 2, 3]) {
        if (n === 2 && (name === "silent" || name === "stuck")) {
          const patient = await lab.tls(proxy);
          patient.on("error", () => undefined);
          await until(() => lab.facts.of("fault_hit").length > 0);
          patient.destroy();
          continue;
        }
        const over = lab.sees(proxy, {}, closing);
        if (n === 2) {
          await until(() => lab.facts.of("fault_hit").length > 0);
          time.advance(10_000);
          await turns();
        }
        const { how, text } = await over;
        if (n !== 2) expect([how, text.includes("hello")]).toStrictEqual(["secure", true]);
      }
      const hits = lab.facts.of("fault_hit").map(({ fault, connection }) => `${fault} ${connection}`);
      expect(new Set(hits)).toStrictEqual(new Set([`${name} 2`]));
      await until(() => lab.facts.of("tls_over").length > 0);
      const [{ took = "", problem = null } = {}, ...more] = lab.facts.of("tls_over");
      expect(more).toStrictEqual([]);
      expect({ took: took === "accepted", wrong: problem !== null }).toStrictEqual({
        took: GOES_ON.includes(name),
        wrong: WRONG.includes(name),
      });
    },
  );

  it("that needs no key of ours acts on what passes through as well", async () => {
    const through = tlsSite({ ended: false });
    const kinds = TLS.filter((kind) => kind.applies(through)).map(({ name }) => name);
    expect(kinds).toStrictEqual(["reset", "closed", "silent", "alert", "slow"]);
    lab = new SecureLab();
    const proxy = await lab.proxy(await lab.tlsServer({}, (socket) => socket.end("hello")), {
      name: "jobs",
      secure: secureSpec({ mode: "passthrough" }),
    });
    const reset = TLS.find(({ name }) => name === "reset");
    use(reset?.faults(through, { word: "second", nth: 2 }) ?? []);
    const seen: string[] = [];
    for (const _ of [1, 2, 3]) seen.push((await lab.sees(proxy, { rejectUnauthorized: false }, "x")).how);
    expect(seen).toStrictEqual(["secure", "ECONNRESET", "secure"]);
  });

  it("is aimed at the name that is asked for, and away from others where none is", async () => {
    lab = new SecureLab();
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { name: "jobs", secure: secureSpec() });
    const alert = TLS.find(({ name }) => name === "alert");
    const first = { word: "first", nth: 1 } as const;
    use([
      ...(alert?.faults(tlsSite({ sni: null, others: ["jobs.example", "other.example"] }), first) ?? []),
      ...(alert?.faults(tlsSite({ sni: "other.example" }), first) ?? []).map((fault) => ({
        ...fault,
        name: "other",
      })),
    ]);
    const said = async (servername: string): Promise<boolean> =>
      (await lab.sees(proxy, { servername, checkServerIdentity: () => undefined }, closing)).how === "secure";
    expect([await said("jobs.example"), await said(""), await said("other.example")]).toStrictEqual([
      true,
      false,
      false,
    ]);
    await until(() => lab.facts.of("tls_over").length === 2);
    expect(lab.facts.of("tls_over").map(({ faults }) => faults)).toStrictEqual([["alert"], ["other"]]);
  });
});
