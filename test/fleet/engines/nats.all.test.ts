/** The engine on NATS, against real servers: the system's, and the newest where it is there. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { engineOptions } from "../../support/fleet-engines.js";
import { presenceOf } from "../../support/fleet/presence.js";
import { DEBIAN_NATS, natsVersion, NatsServer, NEWEST_NATS } from "../../support/nats-server.js";
import { batchOf, conforms, hashOf } from "./conformance.js";
import { countsAllWriters } from "./writers.js";

const SERVERS = [
  ["nats-server", DEBIAN_NATS],
  ["the newest nats-server", NEWEST_NATS],
] as const;

for (const [name, program] of SERVERS) {
  const version = natsVersion(program);
  const needs = version === null ? ` (needs: ${name})` : "";
  describe.skipIf(version === null)(`NATS ${version ?? ""}${needs}`, () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await NatsServer.start({ program });
    });
    afterAll(() => server.close());

    conforms(name, () => ({
      open: (options) => openEngine(engineOptions(server.url, options)),
      outage: { stop: () => server.kill("SIGTERM"), start: () => server.start() },
      loseJournal: async (fleet) => void (await server.api(`STREAM.DELETE.SQUALL-${fleet}-journal`)),
      passPresence: async () => undefined,
    }));

    countsAllWriters((options) => openEngine(engineOptions(server.url, options)));

    it.each([
      ["streams", "max_streams: 2, max_mem: 10MB, max_store: 10MB"],
      ["bytes", "max_mem: 1MB, max_store: 1MB"],
    ])("does not blame a batch where the account has no room: %s", async (_what, limits) => {
      const config = `accounts { A { jetstream: { ${limits} }, users: [{ user: a, password: a }] } }\nno_auth_user: a`;
      const small = await NatsServer.start({ program, config });
      const one = await openEngine(engineOptions(small.url, { fleet: "room" }));
      try {
        await one.put(new TextEncoder().encode("{}"), 0);
        await one.announce(presenceOf("node-1"));
        await expect(one.append(batchOf("node-1", 1))).rejects.toMatchObject({
          failure: "away",
          message: expect.stringMatching(/streams reached|insufficient storage/u) as string,
        });
      } finally {
        await one.close();
        await small.close();
      }
    });

    it("has no consumer on any stream, whoever follows and whoever hears", async () => {
      const one = await openEngine(engineOptions(server.url, { fleet: "consumers" }));
      const end = new AbortController();
      const following = (async () => {
        for await (const batch of one.tail({ from: null, follow: true, signal: end.signal })) void batch;
      })();
      try {
        one.onHint(() => undefined, { members: true });
        await one.put(new TextEncoder().encode("{}"), 0);
        await one.putText(hashOf("text"), new TextEncoder().encode("text"));
        await one.announce(presenceOf("node-1"));
        await one.append(batchOf("node-1", 1));
        await one.members();
        await one.history(64);
        for (const stream of [
          "KV_squall-consumers",
          "KV_squall-consumers-daemons",
          "SQUALL-consumers-journal",
        ])
          expect(await server.api(`STREAM.INFO.${stream}`)).toMatchObject({ state: { consumer_count: 0 } });
      } finally {
        end.abort();
        await following;
        await one.close();
      }
    });

    it("has its buckets in the layout of key-value stores", async () => {
      const one = await openEngine(engineOptions(server.url, { fleet: "layout" }));
      try {
        await one.put(new TextEncoder().encode("{}"), 0);
        await one.announce(presenceOf("node-1"));
        const bucket = {
          discard: "new",
          allow_rollup_hdrs: true,
          deny_delete: true,
          allow_direct: true,
          retention: "limits",
        };
        expect(await server.api("STREAM.INFO.KV_squall-layout")).toMatchObject({
          config: { ...bucket, subjects: ["$KV.squall-layout.>"], max_msgs_per_subject: 64, storage: "file" },
        });
        expect(await server.api("STREAM.INFO.KV_squall-layout-daemons")).toMatchObject({
          config: {
            ...bucket,
            subjects: ["$KV.squall-layout-daemons.>"],
            max_msgs_per_subject: 1,
            storage: "memory",
            max_age: 30e9,
          },
        });
      } finally {
        await one.close();
      }
    });

    it("takes a stream that another hand made as it is, and twenty who make it at once for one", async () => {
      await server.api("STREAM.CREATE.KV_squall-made", {
        name: "KV_squall-made",
        subjects: ["$KV.squall-made.>"],
        max_msgs_per_subject: 5,
      });
      for (const fleet of ["made", "unmade"]) {
        const engines = await Promise.all(
          Array.from({ length: 20 }, () => openEngine(engineOptions(server.url, { fleet }))),
        );
        const results = await Promise.allSettled(
          engines.map((engine) => engine.put(new TextEncoder().encode("{}"), 0)),
        );
        expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
        await Promise.all(engines.map((engine) => engine.close()));
      }
    });
  });
}
