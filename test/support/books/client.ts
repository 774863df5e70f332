/** A client that keeps its own books: raw bytes out, raw bytes in, and what it made of them. It shares no code with the proxy. */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export type ClientEnd = "complete" | "cut" | "reset" | "closed" | "left" | "malformed";

export interface Seen {
  readonly bot: string;
  readonly path: string;
  readonly method: string;
  /** The status that it read; null for none. */
  status: number | null;
  end: ClientEnd;
}

interface Read {
  readonly status: number;
  readonly complete: boolean;
  readonly malformed: boolean;
  /** Of the answer, if it is complete. */
  readonly length: number;
  readonly closes: boolean;
}

const NOTHING = null;

/** An answer at the beginning of these bytes, as far as it has come; null while there is not even a head. */
function readAnswer(text: string, method: string, over: boolean): Read | null | "malformed" {
  const headEnd = text.indexOf("\r\n\r\n");
  const firstLine = text.slice(0, text.indexOf("\r\n") < 0 ? undefined : text.indexOf("\r\n"));
  if (text.length > 0 && !"HTTP/1.1 ".startsWith(firstLine.slice(0, 9))) return "malformed";
  if (headEnd < 0) return NOTHING;
  const [start = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/u.exec(start)?.[1];
  if (status === undefined || lines.some((line) => !/^[\w-]+:/u.test(line))) return "malformed";
  const fields = new Map(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const read = (complete: boolean, length = 0, malformed = false): Read => ({
    status: Number(status),
    complete,
    malformed,
    length: headEnd + 4 + length,
    closes: fields.get("connection") === "close",
  });
  const rest = text.slice(headEnd + 4);
  if (method === "HEAD" || status === "204" || status === "304") return read(true);
  if (fields.get("transfer-encoding") === "chunked") {
    let at = 0;
    for (;;) {
      const line = rest.indexOf("\r\n", at);
      if (line < 0) return read(false);
      if (!/^[0-9a-f]+$/iu.test(rest.slice(at, line))) return read(false, 0, true);
      const size = Number.parseInt(rest.slice(at, line), 16);
      at = line + 2 + size + 2;
      if (rest.length < at) return read(false);
      if (size === 0) return read(true, at);
    }
  }
  const length = fields.get("content-length");
  if (length === undefined) return read(over, rest.length);
  if (!/^\d+$/u.test(length)) return "malformed";
  return read(rest.length >= Number(length), Number(length));
}

/** One connection, on which requests go one after the other. */
export class CountingConnection {
  readonly #socket: Socket;
  #text = "";
  #end: "fin" | "reset" | null = null;
  #wake: () => void = () => undefined;
  connected = false;

  readonly #carrier: Socket;
  /** Of its own bytes, whatever they become on the wire. */
  #got = 0;
  #sent = 0;

  /** Over TLS if it is told whom to trust. */
  constructor(port: number, ca: string | null = null) {
    this.#carrier = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.#socket =
      ca === null ? this.#carrier : connectTls({ socket: this.#carrier, ca, servername: "jobs.example" });
    this.#socket.on(ca === null ? "connect" : "secureConnect", () => {
      this.connected = true;
      this.#wake();
    });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#got += chunk.length;
      this.#text += chunk.toString("latin1");
      this.#wake();
    });
    this.#socket.on("end", () => {
      this.#end ??= "fin";
      this.#wake();
    });
    this.#socket.on("error", () => {
      this.#end = "reset";
      this.#wake();
    });
    this.#socket.on("close", () => {
      this.#end ??= "reset";
      this.#wake();
    });
  }

  /** Bytes that came, and those that the kernel took; all that was sent, where nobody reset. */
  get bytes(): { readonly got: number; readonly sent: number } {
    return { got: this.#got, sent: this.#socket === this.#carrier ? this.#socket.bytesWritten : this.#sent };
  }

  get over(): boolean {
    return this.#end !== null;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Resolves when it is connected, or never will be. */
  async opened(): Promise<boolean> {
    await this.until(() => this.connected || this.over);
    return this.connected;
  }

  send(method: string, path: string, bot: string, body = ""): Seen {
    const length = method === "POST" ? `content-length: ${body.length}\r\n` : "";
    const request = `${method} ${path} HTTP/1.1\r\nhost: jobs\r\nx-bot: ${bot}\r\n${length}\r\n${body}`;
    this.#sent += request.length;
    this.#socket.write(request);
    return { bot, path, method, status: null, end: "closed" };
  }

  /** Waits for the answer, or for the end in its place. */
  async answer(seen: Seen): Promise<Seen> {
    let read: ReturnType<typeof readAnswer> = null;
    await this.until(() => {
      read = readAnswer(this.#text, seen.method, this.#end === "fin");
      return this.over || read === "malformed" || (read !== null && (read.complete || read.malformed));
    });
    read = readAnswer(this.#text, seen.method, this.#end === "fin");
    if (read === "malformed") seen.end = "malformed";
    else if (read === null) seen.end = this.#end === "reset" ? "reset" : "closed";
    else {
      seen.status = read.status;
      seen.end = read.malformed ? "malformed" : read.complete ? "complete" : "cut";
      if (read.complete) this.#text = this.#text.slice(read.length);
      if (read.closes) this.close();
    }
    if (seen.end !== "complete") this.close();
    return seen;
  }

  /** How the client gives up waiting. */
  leave(seen: Seen, how: "fin" | "reset"): void {
    seen.end = "left";
    if (how === "reset") this.#carrier.resetAndDestroy();
    this.#socket.destroy();
  }

  /** It has nothing more to say, and goes on listening. */
  halfClose(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.end();
    this.#end ??= "fin";
    this.#wake();
    this.#socket.resume();
  }
}
