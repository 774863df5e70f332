/** What both kinds of engine have of their way: how it stands, and its end. Each adds how one asks and hears over it. */
import type { EngineOptions, Hint } from "../contract/engine.js";
import type { Limit } from "./limit.js";
import { Way, type Client } from "./way.js";

export abstract class Link<Connection> {
  protected readonly way: Way<Connection>;

  constructor(options: EngineOptions, client: Client<Connection>) {
    this.way = new Way(options, client);
  }

  get name(): string {
    return this.way.name;
  }

  get connected(): boolean {
    return this.way.connected;
  }

  get closed(): boolean {
    return this.way.closed;
  }

  /** For one call of the engine. */
  limit(): Limit {
    return this.way.limit();
  }

  onState(hear: (what: Hint) => void): () => void {
    return this.way.onState(hear);
  }

  /** Calls back for each message of that name; answers how to stop. */
  abstract onMessage(name: string, hear: () => void): () => void;

  close(): void {
    this.way.close();
  }
}
