/** The format of `text/event-stream` (WHATWG HTML, section 9.2.6), read from pieces of text: EventSource cannot send a token. Pure. */

export interface ServerEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The last one that the stream gave; empty for none. */
  readonly id: string;
}

export class ServerEventReader {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id = "";

  get lastId(): string {
    return this.#id;
  }

  /** The events that this piece completes. Lines end with LF or CRLF, which is all that a daemon of ours sends. */
  read(piece: string): ServerEvent[] {
    const lines = `${this.#rest}${piece}`.split("\n");
    this.#rest = lines.pop() ?? "";
    const events: ServerEvent[] = [];
    for (const line of lines) {
      const event = this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #take(line: string): ServerEvent | null {
    if (line === "") return this.#done();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /u, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #done(): ServerEvent | null {
    const { length } = this.#data;
    const event = {
      event: this.#event === "" ? "message" : this.#event,
      data: this.#data.join("\n"),
      id: this.#id,
    };
    this.#event = "";
    this.#data = [];
    return length === 0 ? null : event;
  }
}
