/** A fleet on NATS while its server dies, and while Squall itself stands between. */
import { describe } from "vitest";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { engineOptions } from "../../support/fleet-engines.js";
import { natsVersion, NatsServer } from "../../support/nats-server.js";
import { outlasts } from "./outages.js";

const missing = natsVersion() === null;

describe.skipIf(missing)(`a fleet on NATS${missing ? " (needs: nats-server)" : ""}`, () => {
  outlasts("nats-server", {
    start: () => NatsServer.start({ config: "" }),
    open: (port, fleet, client) => openEngine(engineOptions(`nats://127.0.0.1:${port}`, { fleet, client })),
  });
});
