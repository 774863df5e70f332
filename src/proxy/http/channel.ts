/**
 * How the bytes of an HTTP connection flow: from the two readers through the pumps, joined where they lie next to one
 * another, and not faster than they are taken. What is read, and what becomes of it, is `HttpConnection`'s.
 */
import type { Socket } from "node:net";
import type { ConnectionInfo, Direction } from "../../faults/contract/index.js";
import { CIPHERTEXT } from "../../faults/subjects.js";
import type { ArmedFault, Subject } from "../../pipeline/armed.js";
import type { Binding } from "../../pipeline/bindings.js";
import type { HeldBudget } from "../../pipeline/budget.js";
import { Pump } from "../../pipeline/pump.js";
import type { Part } from "../../pipeline/flow.js";
import { Connection } from "../connection.js";
import type { Book } from "./book.js";
import { ByteFaults, type ByteFaultsHost } from "./byte-faults.js";
import { ClientSide, ServerSide, type EndsHost } from "./channel-ends.js";
import type { CodecLimits } from "./limits.js";
import type { Link } from "./link.js";
import type { Naming } from "./naming.js";
import type { RequestSide } from "./request-side.js";
import { Run } from "./run.js";
import type { UpstreamSide } from "./upstream-side.js";
import type { HttpHost } from "./host.js";

/** What is read of a client that cannot be heard at the moment. */
const EARLY_MAX_BYTES = 65_536;

export abstract class HttpChannel extends Connection implements ByteFaultsHost, EndsHost {
  declare readonly host: HttpHost;
  abstract readonly book: Book;
  abstract readonly requests: RequestSide;
  abstract readonly upstream: UpstreamSide;
  readonly byteFaults = new ByteFaults(this);
  protected readonly upRun = new Run(() => this.pumps?.upstream);
  protected readonly downRun = new Run(() => this.pumps?.downstream);
  #upPaused = false;
  #downPaused = false;
  /** There is no room for what is kept of a message that comes from there. */
  readonly #full = { upstream: false, downstream: false };

  /** Its end has come to the client: the FIN is to be sent. */
  abstract clientTold(): void;
  /** Bytes of a head may have come whose rest is still to come. */
  abstract watchHead(): void;

  get link(): Link | null {
    return this.upstream.link;
  }

  get marking(): string | null {
    const { faultHeader, name } = this.host.spec;
    return faultHeader ? name : null;
  }

  wallTime(): number {
    return this.host.context.clock.wallTime();
  }

  get naming(): Naming | null {
    return this.host.naming;
  }

  get upSplits(): boolean {
    return this.byteFaults.splits.upstream;
  }

  get downSplits(): boolean {
    return this.byteFaults.splits.downstream;
  }

  override concerns({ type, at }: ArmedFault): boolean {
    if (at === CIPHERTEXT) return false;
    return type.connection !== undefined || (type.stream !== undefined && type.subject === "connection");
  }

  override bindingOf(armed: ArmedFault, subject: Subject, info: ConnectionInfo): Binding {
    return this.byteFaults.bindingOf(armed, subject, info);
  }

  protected override admitted(): void {
    if (this.ended) return;
    const { clock, budget } = this.host.context;
    const client = new ClientSide(this);
    const server = new ServerSide(this);
    const pumps = {
      upstream: new Pump({
        source: client,
        sink: server,
        clock,
        budget,
        owner: this,
        entering: () => {
          this.byteFaults.entering("upstream");
        },
      }),
      downstream: new Pump({
        source: server,
        sink: client,
        clock,
        budget,
        owner: this,
        entering: () => {
          this.byteFaults.entering("downstream");
        },
      }),
    };
    if (!this.open(pumps)) return;
    this.regulate();
    for (const direction of this.endsBeforeOpening()) this.sourceOver(direction, this.clientSocket);
  }

  hold(direction: Direction, held: boolean): void {
    if (direction === "upstream") {
      this.#upPaused = held;
      this.regulate();
    } else {
      this.#downPaused = held;
      this.regulateLink();
    }
  }

  up(bytes: Buffer, part: Part): void {
    if (!this.byteFaults.splits.upstream) {
      this.upRun.add(bytes);
      return;
    }
    this.upRun.flush();
    this.byteFaults.reach("upstream", part);
    this.pumps?.upstream.data(bytes);
  }

  down(bytes: Buffer, part: Part): void {
    if (part === "head") this.#noteHead(bytes.length);
    if (!this.byteFaults.splits.downstream) {
      this.downRun.add(bytes);
      return;
    }
    this.downRun.flush();
    this.byteFaults.reach("downstream", part);
    this.pumps?.downstream.data(bytes);
  }

  /** Where in what goes to the client the head is that is about to go: it has it when so much has left. */
  #noteHead(bytes: number): void {
    const pump = this.pumps?.downstream;
    if (pump !== undefined)
      this.book.headGoes(pump.bytesIn + this.downRun.pending - pump.bytesDropped, bytes);
  }

  override drained(direction: Direction, socket: Socket): void {
    if (direction === "downstream" || socket === this.link?.socket) this.pumps?.[direction].drained();
  }

  /** Reads from the client unless what it said must be dealt with first. */
  regulate(): void {
    if (this.ended || this.pumps === null) return;
    const { reader } = this.requests;
    // A little is read all the same, since only a socket that is read from tells that its client has left.
    const full = reader.stopped && reader.bytesHeld >= EARLY_MAX_BYTES;
    const pause =
      (this.#upPaused && !this.#listens(this.pumps.upstream)) ||
      this.#full.upstream ||
      full ||
      this.book.full;
    // What came while nothing was read may end in half a head.
    if (this.requests.reader.bytesHeld > 0) this.watchHead();
    if (pause !== this.clientSocket.isPaused()) {
      if (pause) this.clientSocket.pause();
      else this.clientSocket.resume();
    }
  }

  /** The same where a fault holds what was said for good: its end is to be noticed, within bounds. */
  #listens(pump: Pump): boolean {
    return pump.stuck && pump.held < EARLY_MAX_BYTES && !this.host.context.budget.exhausted;
  }

  /** Its bytes are taken no faster than they leave. */
  protected get upPaused(): boolean {
    return this.#upPaused;
  }

  regulateLink(): void {
    const link = this.link;
    if (link === null || this.ended) return;
    const pause = this.#downPaused || this.#full.downstream || link.reader.stopped;
    if (pause !== link.socket.isPaused()) {
      if (pause) link.socket.pause();
      else link.socket.resume();
    }
  }

  pauseSource(direction: Direction, paused: boolean): void {
    this.#full[direction] = paused;
    if (direction === "upstream") this.regulate();
    else this.regulateLink();
  }

  get budget(): HeldBudget {
    return this.host.context.budget;
  }

  pauseLink(link: Link): void {
    link.reader.pause();
    if (link === this.link) this.regulateLink();
  }

  resumeLink(link: Link): void {
    link.resume();
    if (link === this.link) this.regulateLink();
  }

  /** What `run` says in this direction leaves together. */
  together(direction: Direction, run: () => void): void {
    const joined = direction === "upstream" ? this.upRun : this.downRun;
    joined.open();
    run();
    joined.close();
  }

  flush(direction: Direction): void {
    (direction === "upstream" ? this.upRun : this.downRun).flush();
  }

  install(binding: Binding): void {
    this.bound.add(binding, this.host.ranks);
  }

  info(): ConnectionInfo {
    return this.connectionInfo(true, () => undefined);
  }

  get upPump(): Pump | null {
    return this.pumps?.upstream ?? null;
  }

  get limits(): CodecLimits {
    return this.host.limits;
  }
}
