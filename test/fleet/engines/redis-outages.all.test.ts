/** A fleet on Redis while its server dies, and while Squall itself stands between. */
import { describe } from "vitest";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { engineOptions } from "../../support/fleet-engines.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { outlasts } from "./outages.js";

const missing = !hasRedis();

describe.skipIf(missing)(`a fleet on Redis${missing ? " (needs: redis-server)" : ""}`, () => {
  outlasts("redis-server", {
    start: () => RedisServer.start(),
    open: (port, fleet, client) => openEngine(engineOptions(`redis://127.0.0.1:${port}`, { fleet, client })),
  });
});
