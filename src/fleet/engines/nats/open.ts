/** A fleet on NATS JetStream: three streams, one message that something changed, and no decisions. */
import type { EngineOptions, FleetEngine } from "../../contract/engine.js";
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

  return {
    name: link.name,
    get connected() {
      return link.connected;
    },
    read: () => plans.read(),
    put: (bytes, serial) => plans.put(bytes, serial),
    history: (limit) => plans.history(limit),
    text: (sha256) => plans.text(sha256),
    putText: (sha256, bytes) => plans.putText(sha256, bytes),
    onHint: (hear, { members = false } = {}) => {
      const ends = [
        link.onState(hear),
        link.onMessage(names.hint, () => {
          hear("plan");
        }),
      ];
      if (members)
        ends.push(
          daemons.onHeard(() => {
            hear("members");
          }),
        );
      return () => {
        for (const end of ends) end();
      };
    },
    announce: (me) => daemons.announce(me),
    leave: (daemon) => daemons.leave(daemon),
    members: () => daemons.members(),
    append: (batch) => journal.append(batch),
    tail: (from) => journal.tail(from),
    close: () => {
      link.close();
      return Promise.resolve();
    },
  };
}
