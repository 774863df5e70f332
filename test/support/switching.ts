/** Profiles switched under busy connections that check every byte. */
import { Random } from "../../src/core/random.js";
import { defineFault, type AnyFaultType } from "../../src/faults/contract/index.js";
import { z } from "zod";
import type { CompiledFault } from "../../src/plan/value.js";
import { codedBytes, isCoded } from "./coded-bytes.js";
import { fault, Lab, until, type Client } from "./lab.js";

/** Counts how many of it there are, which must be none at the end. */
function census(): { readonly type: AnyFaultType; alive(): number; made(): number } {
  let made = 0;
  let released = 0;
  const type = defineFault({
    type: "test_census",
    summary: "",
    params: z.object({}),
    example: {},
    effects: {},
    directions: "both",
    explain: () => "",
    connection: () => {
      made++;
      return {
        released: () => {
          released++;
        },
        wakeAt: Infinity,
      };
    },
  });
  return { type, alive: () => made - released, made: () => made };
}

/** None of these destroys a byte. */
const BOTH = { directions: "both" } as const;
const PROFILES: readonly (readonly CompiledFault[])[] = [
  [fault("latency", { delay: "3ms", jitter: "8ms", distribution: "pareto" }, BOTH)],
  [
    fault("slicer", { size: "500B", variation: "400B", gap: "50us" }, BOTH),
    fault("latency", { delay: "1ms" }),
  ],
  [fault("bandwidth", { rate: "200MB/s", shared: "proxy" }, BOTH), fault("slow_close", { delay: "5ms" })],
  [fault("blackhole", { part: "50%" }), fault("latency", { delay: "2ms", window: "2KiB" }, BOTH)],
  [fault("half_open"), fault("bandwidth", { rate: "5MB/s" }, BOTH), fault("slicer", { size: "1KiB" })],
];

/** What may be under way in a direction: enough that every fault holds some, little enough that turns are short. */
const UNDER_WAY = 3_000;

/** One end of a connection: sends coded bytes until told to stop, and checks what it reads. */
class Talker {
  sent = 0;
  read = 0;
  wrong: string | null = null;
  other: Talker | null = null;
  #stopped = false;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
    client.socket.on("data", (chunk: Buffer) => {
      if (!isCoded(this.read, chunk)) this.wrong ??= `${chunk.length} bytes do not belong at ${this.read}`;
      this.read += chunk.length;
      this.other?.talk();
    });
    client.socket.on("error", (error) => {
      this.wrong ??= String(error);
    });
    client.socket.resume();
  }

  talk(): void {
    while (!this.#stopped && this.other !== null && this.sent - this.other.read < UNDER_WAY) {
      const chunk = codedBytes(this.sent, 1 + ((this.sent * 31) % 1_500));
      this.sent += chunk.length;
      this.#client.socket.write(chunk);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#client.fin();
  }
}

export interface Switched {
  readonly switches: number;
  readonly bytes: number;
  readonly bindings: number;
  readonly wrong: readonly string[];
  readonly missing: number;
  readonly bindingsLeft: number;
  readonly heldLeft: number;
  readonly takenLeft: number;
  readonly failures: number;
}

/** `pause` lets the time between two switches pass; false ends the run. */
export async function switchUnderLoad(
  connections: number,
  pause: (switches: number) => Promise<boolean>,
): Promise<Switched> {
  const count = census();
  const lab = new Lab({ types: [count.type] });
  const upstream = await lab.upstream({ reading: false });
  const proxy = await lab.proxy(upstream.port);
  const clients: Client[] = [];
  const peers: Client[] = [];
  for (let n = 0; n < connections; n++) {
    clients.push(lab.client(proxy, undefined, { reading: false }));
    // One after the other, so that both lists are in the same order.
    peers.push(await upstream.next());
  }
  const talkers = clients.map((client, index) => [new Talker(client), new Talker(peers[index]!)] as const);
  for (const [here, there] of talkers) {
    here.other = there;
    there.other = here;
    here.talk();
    there.talk();
  }
  const dice = new Random({ high: 1, low: 1 }, 0, 0);
  const counted: CompiledFault = { ...fault("half_open"), type: "test_census", name: "census", params: {} };
  let switches = 0;
  do {
    const next = dice.integer(PROFILES.length * 2);
    if (next >= PROFILES.length) lab.heal();
    else lab.use([counted, ...PROFILES[next]!], { seed: switches });
    switches++;
  } while (await pause(switches));
  for (const talker of talkers.flat()) talker.stop();
  lab.heal();
  await until(() => proxy.stats.connectionsActive === 0);
  let bytes = 0;
  let missing = 0;
  for (const [here, there] of talkers) {
    bytes += here.sent + there.sent;
    missing += Math.abs(here.sent - there.read) + Math.abs(there.sent - here.read);
  }
  const result: Switched = {
    switches,
    bytes,
    bindings: count.made(),
    wrong: talkers.flat().flatMap(({ wrong }) => (wrong === null ? [] : [wrong])),
    missing,
    bindingsLeft: count.alive(),
    heldLeft: lab.context.budget.held,
    takenLeft: lab.context.slots.taken,
    failures: lab.facts.of("connection_failed").length + lab.facts.of("mistake").length,
  };
  await lab.close();
  return result;
}

export const CLEAN = {
  wrong: [],
  missing: 0,
  bindingsLeft: 0,
  heldLeft: 0,
  takenLeft: 0,
  failures: 0,
} as const satisfies Partial<Switched>;
