/** Handshakes, as those see them who watch: a certificate that was wrong, and how its client took it, stand at what came of it. */
import { afterEach, expect, it } from "vitest";
import { findingsOf } from "../../src/live/findings.js";
import { answerTo, get } from "../support/http-lab.js";
import { fault, type Lab } from "../support/lab.js";
import { secureSpec, secureTimeLab } from "../support/secure-lab.js";
import { over, seenBy, watch } from "./watch-lab.js";

let lab: Lab;
afterEach(async () => {
  await lab.close();
});

it("has what was wrong with a certificate beside what its client did all the same, and finds that", async () => {
  const { lab: secure } = secureTimeLab();
  lab = secure;
  const watching = watch(lab);
  const server = await secure.scripted();
  const proxy = await secure.http(server.port, { secure: secureSpec() });
  lab.use([fault("tls_certificate", { problem: "expired" })]);
  const client = await secure.secured(proxy, { rejectUnauthorized: false });
  client.write(get("/a"));
  await answerTo(client);
  await lab.facts.first("tls_over");
  const [told] = lab.facts.of("tls_over");
  await over(watching);
  // It may be known only when the exchange is over how its client took it.
  const tls = seenBy(watching)[0]?.tls;
  expect(tls).toMatchObject({ problem: told?.problem, took: told?.took });
  expect(findingsOf(seenBy(watching), lab.clock.now())).toMatchObject([
    { kind: "bad_certificate", level: "bad", bot: "127.0.0.1" },
  ]);
});

it("has a client that refuses it as one that was turned away, with how it did", async () => {
  const { lab: secure } = secureTimeLab();
  lab = secure;
  const watching = watch(lab);
  const server = await secure.scripted();
  const proxy = await secure.http(server.port, { secure: secureSpec() });
  lab.use([fault("tls_certificate", { problem: "expired" })]);
  await secure.sees(proxy);
  await lab.facts.first("tls_over");
  const seen = await over(watching);
  expect(seen).toMatchObject({
    kind: "connection",
    client_side: { end: "refused" },
    tls: { problem: "expired", took: lab.facts.of("tls_over")[0]?.took },
  });
  expect(seen.tls?.took).not.toBe("accepted");
  expect(findingsOf([seen], lab.clock.now())).toEqual([]);
});
