/** The three streams of a fleet, as they are made at first need. */
import { PRESENCE_MAX_AGE } from "../../contract/presence.js";
import type { StreamLayout } from "./jetstream.js";
import type { FleetNames } from "./names.js";

export interface FleetStreams {
  readonly plans: StreamLayout;
  readonly daemons: StreamLayout;
  readonly journal: StreamLayout;
}

/** Plans that are kept; the most that `nats kv` allows. */
export const HISTORY = 64;

const MIB = 1_024 * 1_024;
/** JetStream counts time in nanoseconds. */
const NANOS = 1e6;
const DAY_MS = 24 * 3_600 * 1_000;

export function streamsOf(names: FleetNames, replicas: number): FleetStreams {
  const bucket = {
    retention: "limits",
    discard: "new",
    max_msgs: -1,
    max_msg_size: -1,
    max_consumers: -1,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
    num_replicas: replicas,
  };
  return {
    plans: {
      name: names.plans,
      maxBytes: [],
      config: {
        ...bucket,
        subjects: [names.plan.replace(/[^.]*$/u, ">")],
        storage: "file",
        max_msgs_per_subject: HISTORY,
        max_age: 0,
        duplicate_window: 120_000 * NANOS,
        republish: { src: names.plan, dest: names.hint, headers_only: true },
      },
    },
    // What is in it is written again within ten seconds, so the disk is spared.
    daemons: {
      name: names.daemons,
      maxBytes: [],
      config: {
        ...bucket,
        subjects: [names.anyDaemon.replace(/[^.]*$/u, ">")],
        storage: "memory",
        max_msgs_per_subject: 1,
        max_age: PRESENCE_MAX_AGE * NANOS,
        duplicate_window: PRESENCE_MAX_AGE * NANOS,
      },
    },
    journal: {
      name: names.journal,
      // A server promises them when the stream is made, and small ones do not have a GiB to promise.
      maxBytes: [1_024 * MIB, 256 * MIB, 64 * MIB],
      config: {
        subjects: [names.anyBatch],
        retention: "limits",
        discard: "old",
        storage: "file",
        max_msgs: -1,
        max_msgs_per_subject: -1,
        max_msg_size: -1,
        max_consumers: -1,
        max_age: 7 * DAY_MS * NANOS,
        duplicate_window: 120_000 * NANOS,
        num_replicas: replicas,
      },
    },
  };
}
