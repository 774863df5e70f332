/** An engine out of its parts, each of which knows one thing that is kept in it. */
import type { FleetEngine } from "../contract/engine.js";
import type { Link } from "./link.js";

export interface EngineParts {
  readonly link: Pick<Link<unknown>, "name" | "connected" | "onState" | "onMessage" | "close">;
  readonly plans: Pick<FleetEngine, "read" | "put" | "history" | "text" | "putText">;
  readonly daemons: Pick<FleetEngine, "announce" | "leave" | "members">;
  readonly journal: Pick<FleetEngine, "append" | "tail">;
  /** The message that says that the plan has changed. */
  readonly hint: string;
  /** Calls back when a daemon was heard; answers how to stop. */
  readonly onHeard: (hear: () => void) => () => void;
}

export function assembled({ link, plans, daemons, journal, hint, onHeard }: EngineParts): FleetEngine {
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
      const tell = (what: "plan" | "members") => () => {
        hear(what);
      };
      const ends = [link.onState(hear), link.onMessage(hint, tell("plan"))];
      if (members) ends.push(onHeard(tell("members")));
      return () => {
        for (const end of ends) end();
      };
    },
    announce: (me) => daemons.announce(me),
    leave: (daemon, life) => daemons.leave(daemon, life),
    members: () => daemons.members(),
    append: (batch) => journal.append(batch),
    tail: (from) => journal.tail(from),
    close: () => {
      link.close();
      return Promise.resolve();
    },
  };
}
