/** The journals of several daemons as one, over a real engine that is killed in the middle and started again with its data. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../../src/core/system-clock.js";
import type { FleetEngine } from "../../../src/fleet/contract/engine.js";
import { CURSOR_START, type FleetLine } from "../../../src/fleet/contract/journal.js";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { MergedJournal } from "../../../src/fleet/journal/merged.js";
import { Shipper } from "../../../src/fleet/journal/shipper.js";
import { record } from "../../../src/telemetry/entry.js";
import { Journal } from "../../../src/telemetry/journal.js";
import { engineOptions } from "../../support/fleet-engines.js";
import { until } from "../../support/lab.js";
import { natsVersion, NatsServer } from "../../support/nats-server.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

const ENGINES = [
  { engine: "nats-server", missing: natsVersion() === null, open: () => NatsServer.start() },
  { engine: "redis-server", missing: !hasRedis(), open: () => RedisServer.start() },
] as const;
const EACH = 1_000;
const DAEMONS = 4;

describe.each(ENGINES)("a fleet's journal on $engine", ({ engine, missing, open: start }) => {
  let server: NatsServer | RedisServer;
  beforeAll(async () => {
    if (!missing) server = await start();
  });
  afterAll(async () => {
    if (!missing) await server.close();
  });

  it.skipIf(missing)(
    `has every entry once, over an engine that is killed in the middle (needs: ${engine})`,
    async () => {
      const clock = new SystemClock();
      const engines: FleetEngine[] = [];
      const open = async (client: string): Promise<FleetEngine> => {
        const engine = await openEngine(engineOptions(server.url, { fleet: "journals", client }));
        engines.push(engine);
        return engine;
      };
      const daemons = await Promise.all(
        Array.from({ length: DAEMONS }, async (_, n) => {
          const name = `node ${n}: ü*`;
          const journal = new Journal({ clock });
          const options = { journal, clock, engine: await open(name), daemon: name, life: "a" };
          const more = { which: "hits" as const, offset: () => 0, jitter: () => 0, log: () => undefined };
          return { name, journal, shipper: new Shipper({ ...options, ...more }) };
        }),
      );
      const reader = new MergedJournal({
        engine: await open("reader"),
        clock,
        engineNow: () => clock.wallTime(),
      });
      await until(() => engines.every(({ connected }) => connected));
      const stop = new AbortController();
      const lines: FleetLine[] = [];
      const shown = (): number => lines.filter(({ seq }) => seq > 0).length;
      const reading = (async () => {
        for await (const { line } of reader.follow({}, CURSOR_START, stop.signal)) lines.push(line);
      })();
      const write = (count: number): void => {
        for (let n = 0; n < count; n++)
          for (const { journal } of daemons) journal.add(record({ kind: "mark", text: `mark ${n}` }));
      };
      write(EACH / 2);
      await until(() => shown() > 0);
      await server.kill();
      write(EACH / 2);
      await until(() => daemons.every(({ shipper }) => shipper.view.problem !== null));
      await server.start();
      await until(() => shown() >= EACH * DAEMONS);
      stop.abort();
      await reading;
      for (const { name, shipper } of daemons) {
        const seqs = lines.flatMap((line) => ("daemon" in line && line.daemon === name ? [line.seq] : []));
        expect(seqs).toEqual(Array.from({ length: EACH }, (_, n) => n + 1));
        expect(shipper.view).toMatchObject({ upto: EACH, unsent: 0, lost: 0 });
      }
      // A call waits for five seconds, in which the engine may be back.
      const notices = lines.flatMap((line) => ("daemon" in line ? [] : [line.kind]));
      expect(["", "away,back"]).toContain(notices.join(","));
      const page = await reader.entries({ daemon: daemons[0]?.name ?? "" }, 10, new AbortController().signal);
      expect(page.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 10 }, (_, n) => EACH - 9 + n));
      await Promise.all(daemons.map(({ shipper }) => shipper.close(1_000)));
      await Promise.all(engines.map((engine) => engine.close()));
    },
  );
});
