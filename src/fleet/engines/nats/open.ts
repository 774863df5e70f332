/** A fleet on NATS JetStream: three streams, one message that something changed, and no decisions. */
import type { EngineOptions, FleetEngine } from "../../contract/engine.js";
import { assembled } from "../assembled.js";
import { DaemonBucket } from "./daemons.js";
import { natsClient } from "./dial.js";
import { JetStream } from "./jetstream.js";
import { JournalStream } from "./journal.js";
import { NatsLink } from "./link.js";
import { namesOf } from "./names.js";
import { PlanBucket } from "./plans.js";
import { streamsOf } from "./streams.js";

export async function open(options: EngineOptions): Promise<FleetEngine> {
  const names = namesOf(options.fleet, options.client);
  const link = new NatsLink(options, natsClient(options, names));
  const jetstream = new JetStream(link);
  const streams = streamsOf(names, options.replicas);
  const plans = new PlanBucket(jetstream, streams.plans, names);
  const daemons = new DaemonBucket(jetstream, streams.daemons, names, options.now);
  const journal = new JournalStream(jetstream, streams.journal, names);
  return assembled({
    link,
    plans,
    daemons,
    journal,
    hint: names.hint,
    onHeard: (hear) => daemons.onHeard(hear),
  });
}
