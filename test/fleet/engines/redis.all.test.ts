/** The engine on Redis, against a real server. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { engineOptions } from "../../support/fleet-engines.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { batchOf, conforms } from "./conformance.js";
import { countsAllWriters } from "./writers.js";

const missing = !hasRedis();

describe.skipIf(missing)(`Redis${missing ? " (needs: redis-server)" : ""}`, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.close());

  conforms("redis-server", () => ({
    open: (options) => openEngine(engineOptions(server.url, options)),
    outage: { stop: () => server.kill("SIGTERM"), start: () => server.start() },
    loseJournal: async (fleet) => {
      const redis = new Redis(server.port);
      await redis.del(`squall:{${fleet}}:journal`, `squall:{${fleet}}:journal:life`);
      redis.disconnect();
    },
    passPresence: async () => undefined,
  }));

  it("does not blame a batch where there is no memory", async () => {
    const redis = new Redis(server.port);
    const one = await openEngine(engineOptions(server.url, { fleet: "room" }));
    try {
      await redis.config("SET", "maxmemory", "1");
      await expect(one.append(batchOf("node-1", 1))).rejects.toMatchObject({
        failure: "away",
        message: expect.stringContaining("OOM") as string,
      });
    } finally {
      await redis.config("SET", "maxmemory", "0");
      redis.disconnect();
      await one.close();
    }
  });

  countsAllWriters((options) => openEngine(engineOptions(server.url, options)));
});
