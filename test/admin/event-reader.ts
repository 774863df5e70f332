/** Reads server-sent events as a browser does, and keeps what it read. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { until } from "../support/lab.js";
import type { AdminLab } from "./admin-lab.js";

export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

export class EventReader {
  readonly events: ReadEvent[] = [];
  readonly comments: string[] = [];
  retry: number | null = null;
  ended = false;
  readonly response: IncomingMessage;

  private constructor(response: IncomingMessage) {
    this.response = response;
    let rest = "";
    response.setEncoding("utf8").on("data", (text: string) => {
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) this.#read(block);
    });
    response.on("error", () => undefined).on("close", () => (this.ended = true));
  }

  static open(here: AdminLab, path: string, headers: Record<string, string> = {}): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        { host: "127.0.0.1", port: here.port, path, headers, agent: false },
        (response) => {
          resolve(new EventReader(response));
        },
      );
      request.on("error", reject);
      request.end();
    });
  }

  #read(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      const at = line.indexOf(":");
      if (at === 0) this.comments.push(line.slice(1).trim());
      else fields.set(line.slice(0, at), line.slice(at + 1).trimStart());
    }
    const retry = fields.get("retry");
    if (retry !== undefined) this.retry = Number(retry);
    const data = fields.get("data");
    if (data === undefined) return;
    this.events.push({ id: fields.get("id"), event: fields.get("event"), data: JSON.parse(data) as unknown });
  }

  async atLeast(count: number): Promise<readonly ReadEvent[]> {
    await until(() => this.events.length >= count);
    return this.events;
  }

  leave(): void {
    this.response.destroy();
  }
}
