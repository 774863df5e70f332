/** The engine on NATS, against real servers: Debian's, and the newest where it could be built. */
import { afterAll, beforeAll, describe } from "vitest";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { engineOptions } from "../../support/fleet-engines.js";
import { natsVersion, NatsServer } from "../../support/nats-server.js";
import { conforms } from "./conformance.js";

const missing = natsVersion() === null;

describe.skipIf(missing)(`NATS${missing ? " (needs: nats-server)" : ""}`, () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server.close());

  conforms("nats-server", () => ({
    open: (options) => openEngine(engineOptions(server.url, options)),
    outage: { stop: () => server.kill("SIGTERM"), start: () => server.start() },
    loseJournal: async (fleet) => void (await server.api(`STREAM.DELETE.SQUALL-${fleet}-journal`)),
    passPresence: async () => undefined,
  }));
});
