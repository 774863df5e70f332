/** What a fleet's parts are called in Redis. The braces keep all of them in one slot, as scripts that touch several ask for. */

export interface FleetKeys {
  /** A stream of the plans that were; the newest is the plan. Its ids are the serials. */
  readonly plans: string;
  /** A hash of the texts by their hashes, and a sorted set of these by the serial at which they were put. */
  readonly texts: string;
  readonly textAges: string;
  /** A set of names, and a key for each that goes by itself. */
  readonly daemons: string;
  readonly daemon: (name: string) => string;
  /** A stream of batches, and what tells it from one that was made anew. */
  readonly journal: string;
  readonly journalLife: string;
  /** Channels: a plan was put, a batch was added, a daemon has said something of itself. */
  readonly hint: string;
  readonly added: string;
  readonly heard: string;
}

export function keysOf(fleet: string): FleetKeys {
  const prefix = `squall:{${fleet}}`;
  return {
    plans: `${prefix}:plans`,
    texts: `${prefix}:texts`,
    textAges: `${prefix}:texts:ages`,
    daemons: `${prefix}:daemons`,
    daemon: (name) => `${prefix}:daemon:${name}`,
    journal: `${prefix}:journal`,
    journalLife: `${prefix}:journal:life`,
    hint: `${prefix}:hint`,
    added: `${prefix}:added`,
    heard: `${prefix}:heard`,
  };
}
