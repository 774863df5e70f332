/** The engine in memory that the tests of members and controllers have: it does what every engine must, or they would prove nothing. */
import { SystemClock } from "../../../src/core/system-clock.js";
import { MemoryEngine } from "../../support/fleet/memory-engine.js";
import { MemoryServer } from "../../support/fleet/memory-server.js";
import { conforms } from "./conformance.js";

const servers = new Map<string, MemoryServer>();
let passed = 0;

function serverOf(fleet: string): MemoryServer {
  const server = servers.get(fleet) ?? new MemoryServer(() => Date.now() + passed);
  servers.set(fleet, server);
  return server;
}

conforms(
  "memory",
  () => ({
    open: ({ fleet }) => Promise.resolve(new MemoryEngine(serverOf(fleet), new SystemClock())),
    outage: null,
    loseJournal: (fleet) => {
      serverOf(fleet).loseJournal();
      return Promise.resolve();
    },
    passPresence: () => {
      passed += 30_000;
      return Promise.resolve();
    },
  }),
  false,
);
