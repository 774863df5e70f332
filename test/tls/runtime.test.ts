/** What this runtime can do of what Node does not promise is found out by a handshake with itself. */
import { EventEmitter } from "node:events";
import type { Server } from "node:net";
import { expect, it } from "vitest";
import { lacksOfRuntime, probe, type Ways } from "../../src/tls/runtime.js";
import { staplerOf } from "../../src/tls/stapler.js";
import { verdictOn } from "../../src/tls/verdict.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";

const SHOWN = { cert: CERTIFICATE, key: KEY };
const ABLE = { secrets: null, stapling: null, verdicts: null };
const OURS: Ways = { tellSecrets: (engine, heard) => engine.on("keylog", heard), verdictOn, staplerOf };

it("finds that this Node can do all that Squall needs, and asks once", async () => {
  const first = lacksOfRuntime(SHOWN);
  expect(lacksOfRuntime(SHOWN)).toBe(first);
  expect(await first).toEqual(ABLE);
});

it.each<[string, Partial<Ways>, object]>([
  ["tells no secrets", { tellSecrets: () => undefined }, { secrets: /keylog/u }],
  [
    "does not say what is wrong with a certificate",
    { verdictOn: () => undefined },
    { verdicts: /verifyError/u },
  ],
  ["takes any certificate", { verdictOn: () => null }, { verdicts: /verifyError/u }],
  [
    "has another name for the context",
    { staplerOf: () => new EventEmitter() as Server },
    { stapling: /OCSP/u },
  ],
])("says what is missing in a runtime that %s", async (_, ways, lacks) => {
  const expected = Object.entries(lacks).map(([need, why]) => [
    need,
    expect.stringMatching(why as RegExp) as unknown,
  ]);
  expect(await probe(SHOWN, { ...OURS, ...ways })).toEqual({ ...ABLE, ...Object.fromEntries(expected) });
});

it("says why where its handshake fails", async () => {
  const lacks = await probe(SHOWN, { ...OURS, tellSecrets: (engine) => engine.destroy() });
  expect(lacks.secrets).toMatch(/fails: it is closed/u);
  expect(new Set(Object.values(lacks)).size).toBe(1);
});
