/** A port that accepts connections. */
import type { Socket } from "node:net";
import { Port, type Bound, type ListenAddress, type PortParts } from "../port.js";
import { listenStream } from "../sockets/bind.js";
import { holdStream, type Hold } from "../sockets/hold.js";
import { streamServer } from "../sockets/stream.js";
import { canBeSilent, Silence } from "./silence.js";

export type { ListenAddress } from "../port.js";

export class Listener extends Port {
  protected readonly network = "tcp";
  readonly #onConnection: (socket: Socket) => void;
  #mute = false;
  /** Has its thread, and waits for the port. */
  #prepared: Silence | null = null;
  /** Holds the port, or is about to let it go. */
  #silence: Silence | null = null;

  constructor(parts: PortParts & { readonly onConnection: (socket: Socket) => void }) {
    super(parts);
    this.#onConnection = parts.onConnection;
  }

  override get state(): Port["state"] {
    return this.#mute && super.state === "listening" ? "closed by fault" : super.state;
  }

  /**
   * Whether attempts to connect go unanswered from now on. Whoever comes before that takes hold is accepted, and so is
   * everybody where the kernel cannot do it: what becomes of them is the fault's affair.
   */
  mute(mute: boolean): void {
    if (mute === this.#mute) return;
    this.#mute = mute;
    if (mute) void this.#silently();
    else if (this.#silence !== null) this.rebind();
  }

  async #silently(): Promise<void> {
    if (!canBeSilent()) {
      this.closed("connections are accepted and held: only Linux can leave them unanswered");
      return;
    }
    const silence = await Silence.prepare().catch(() => null);
    if (silence === null)
      this.closed("connections are accepted and held: there is no thread to leave them unanswered");
    if (!this.#mute || this.#silence !== null || this.#prepared !== null) {
      silence?.discard();
      return;
    }
    this.#prepared = silence;
    if (silence !== null) this.rebind();
  }

  protected override opened(): void {
    if (this.#silence === null) super.opened();
    else this.closed("attempts to connect go unanswered");
  }

  override stop(): void {
    super.stop();
    this.#prepared?.discard();
    this.#prepared = null;
  }

  protected override async open(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    // The thread before must have let the port go.
    await this.#silence?.over;
    this.#silence = null;
    if (!this.#mute || !canBeSilent()) return this.#listen(address, trouble);
    this.#silence = this.#prepared ?? (await Silence.prepare());
    this.#prepared = null;
    const silence = this.#silence;
    return silence.bind(address, (error) => {
      if (this.#silence === silence) this.lost(error);
      else trouble(error);
    });
  }

  protected override hold(address: ListenAddress): Hold {
    return holdStream(address, this.#silence?.over ?? null);
  }

  async #listen(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    // No byte is read before the gate.
    const server = streamServer(this.keepalive, this.#onConnection, { pauseOnConnect: true });
    const bound = await listenStream(server, address);
    server.on("error", trouble);
    return {
      address: bound,
      get open() {
        return server.listening;
      },
      close: () => server.close(),
    };
  }
}
