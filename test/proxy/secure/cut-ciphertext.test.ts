/**
 * Ciphertext that a fault cuts, wherever the engine is at that moment: in its handshake, in the tickets behind it, in a response. Nothing of
 * the engine's goes out any more, and neither a place nor a write of its own is left behind.
 */
import { afterEach, describe, expect, it } from "vitest";
import { get } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const LIMITS = [300, 700, 900, 1_000, 1_100, 1_200, 1_300, 1_400, 1_500, 1_600, 2_000, 2_500];

describe.each(["TLSv1.2", "TLSv1.3"] as const)("over %s", (maxVersion) => {
  it.each(["close", "reset"] as const)(
    "ends a client's connection by %s at whatever byte it is",
    async (then) => {
      const server = await lab.answering("hello".repeat(200));
      const proxy = await lab.http(server.port, { secure: secureSpec() });
      for (const after of LIMITS) {
        lab.use([fault("truncate", { after: `${after}B`, then }, { at: "tls", directions: "downstream" })]);
        const clients = Array.from({ length: 4 }, () =>
          lab.sees(proxy, { maxVersion }, get("/", ["Connection: close"])),
        );
        for (const { text } of await Promise.all(clients)) expect(text.length).toBeLessThan(1_200);
        await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
      }
      expect(lab.facts.of("mistake")).toEqual([]);
      expect(lab.facts.of("fault_hit").length).toBeGreaterThan(LIMITS.length);
    },
  );
});
