/**
 * One client that speaks TLS to a proxy, from its first byte: the ClientHello, what faults say of it, the handshake, and then a
 * socket of plain bytes that the proxy goes on with. It stays to hear how the client took it.
 *
 *     hello -> [gate] -> engine -> established -> handed over
 *         \-> plain (detect), or untouched bytes (passthrough) -> handed over
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Alarm } from "../../core/alarm.js";
import type { Clock, Millis } from "../../core/clock.js";
import { contained, ContainedClock, type Owner } from "../../core/containment.js";
import { invariant } from "../../core/invariant.js";
import type { Seat } from "../../core/roster.js";
import {
  isWrong,
  type ConnectionInfo,
  type HandshakeInfo,
  type Hello,
  type Pass,
  type Sever,
  type Terms,
  type Took,
  type CertificateProblem,
} from "../../faults/contract/index.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import type { SubjectInfo } from "../../pipeline/subject-info.js";
import { plainAlert } from "../../tls/alert.js";
import type { HelloState } from "../../tls/hello.js";
import { CLOSED_EARLY, wordsOfTls } from "../client-failure.js";
import type { Origin } from "../connection.js";
import { closeSoon, resetSoon } from "../partings.js";
import { CipherFaults, type CipherHost } from "./cipher-faults.js";
import type { Front, Refusal } from "./front.js";
import { Hearing, type Listener } from "./hearing.js";
import { Handshake, type HandshakeHost } from "./handshake.js";
import { HandshakeFaults, type Final, type HandshakeFaultsHost } from "./handshake-faults.js";
import { certificateOf, peerOf, securedPeer, shownBy, type Peer } from "./peer.js";
import type { Newcomer, SecureHost, Severable } from "./secure-host.js";
import { Testimony, type TestimonyHost } from "./testimony.js";

type State = "hello" | "held" | "engine" | "ending" | "handed over" | "over";

type Heard = Exclude<HelloState, { readonly state: "more" }>;

const PASS: Pass = { do: "pass" };

export class SecureClient
  implements Owner, Newcomer, CipherHost, Listener, HandshakeHost, HandshakeFaultsHost, TestimonyHost
{
  readonly connection: number;
  readonly client: string;
  bot: string;
  readonly origin: Origin;
  readonly clock: Clock;
  /** Its place among those of its proxy, and what became of it there; both are the proxy's affair. */
  seat: Seat | null = null;
  became: Severable | null = null;
  readonly #host: SecureHost;
  /** As it was when the client came: its handshake goes on as it began. */
  readonly front: Front;
  readonly #socket: Socket;
  readonly #hearing: Hearing;
  readonly #begunAt: number;
  readonly faults: HandshakeFaults;
  readonly cipher: CipherFaults;
  readonly hits: string[] = [];
  #state: State = "hello";
  /** Faults were bound to it, which may have gone since, or everything is recorded: it stays for as long as its connection. */
  lingers = false;
  #hello: Hello | null = null;
  /** For what the client has to do in time; it rings for nobody while nothing is awaited. */
  readonly #late: Alarm;
  #awaited: string | null = null;
  #handshake: Handshake | null = null;
  readonly #testimony = new Testimony(this);
  #peer: Peer | null = null;
  #problem: CertificateProblem | null = null;

  constructor(host: SecureHost, socket: Socket, origin: Origin, clock: Clock) {
    this.#host = host;
    this.front = host.front;
    this.#socket = socket;
    this.origin = origin;
    this.connection = origin.id;
    this.client = origin.address;
    this.bot = origin.address;
    this.clock = new ContainedClock(clock, this);
    this.#begunAt = this.clock.now();
    this.#late = new Alarm(this.clock, () => {
      this.#tooLate();
    });
    this.#hearing = new Hearing(socket, this);
    this.cipher = new CipherFaults(this, host.budget);
    this.faults = new HandshakeFaults(this);
  }

  get subject(): SubjectInfo {
    return this;
  }

  get acted(): boolean {
    return this.faults.acted || this.cipher.acted;
  }

  get recorded(): boolean {
    return this.#host.recording && this.#hello !== null && this.faults.none && this.cipher.none;
  }

  cipherInfo(live: boolean, attend: () => void): ConnectionInfo {
    return { ...this.info(attend), live };
  }

  /** A fault on its ciphertext ends it: nothing of the engine's goes out any more. */
  cipherSevered(how: Sever): void {
    this.#handshake?.leave(how.do);
    this.concluded(how);
  }

  get peer(): Peer | null {
    return this.#peer;
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  struck(fault: string): void {
    if (!this.hits.includes(fault)) this.hits.push(fault);
  }

  /** A mistake of ours ends this client's connection, and nothing else. */
  failed(error: unknown): void {
    this.#host.mistaken(this, error);
    this.destroy();
  }

  start(): void {
    this.#within("a ClientHello", this.front.firstWord);
    this.#hearing.start();
  }

  // -- the hello ----------------------------------------------------------------------------------

  heard(result: Heard): void {
    this.#host.overdue?.look();
    if (this.#state === "over") return;
    this.#awaited = null;
    if (result.state === "hello") {
      this.#hello = result.hello;
      this.#peer = peerOf(result.hello);
      this.bot = this.#host.knownAs(this.#peer) ?? this.bot;
      this.#ask(result.hello);
    } else if (result.state === "not_tls" && this.front.spec.mode === "detect") {
      this.#handOver(this.#socket, null, true);
    } else {
      this.#host.failed(this, "client_tls", result.reason);
      this.#socket.write(this.front.farewell(result.state, this.#hearing.bytes));
      this.#end();
    }
  }

  #ask(hello: Hello): void {
    this.#state = "held";
    this.faults.bind(this.#host.faults);
    if (this.front.spec.mode !== "passthrough") this.cipher.bind(this.#host.faults);
    this.lingers = !this.faults.none || !this.cipher.none || this.#host.recording;
    if (this.faults.none) {
      this.#judged(PASS, hello);
      return;
    }
    this.faults.through(
      (fault) => fault.hello?.(),
      (outcome) => {
        this.guarded(() => {
          this.#judged(outcome, hello);
        });
      },
    );
  }

  #judged(outcome: Pass | Final, hello: Hello): void {
    if (this.#state !== "held") return;
    if (outcome.do !== "pass") this.concluded(outcome);
    else if (this.front.spec.mode === "passthrough") this.#handOver(this.#socket, this.#peer, true);
    else {
      const terms = this.faults.terms();
      this.front.ready(
        hello.alpn,
        terms.alpn,
        contained(this, (ready) => {
          if ("alpn" in ready) this.#secure(hello, terms, ready.alpn);
          else this.#refuse(ready);
        }),
      );
    }
  }

  /** There is no handshake to be made. */
  #refuse({ alert, text }: Refusal): void {
    if (this.#state !== "held") return;
    this.#host.failed(this, "client_tls", text);
    this.concluded({ do: "alert", alert });
  }

  // -- the handshake ------------------------------------------------------------------------------

  #secure(hello: Hello, terms: Terms, alpn: readonly string[]): void {
    if (this.#state !== "held") return;
    const front = this.front;
    const recipe = this.faults.certificate();
    this.#problem = recipe !== null && isWrong(recipe.problem, hello) ? recipe.problem : null;
    const address = hello.sni === null ? (this.#host.dialled ?? this.#socket.localAddress ?? "") : "";
    const choice = front.choose({ sni: hello.sni, alpn, address, recipe, terms });
    this.#state = "engine";
    this.#hearing.handOver();
    this.#within("a TLS handshake");
    this.#handshake = new Handshake(this, this.#socket, choice);
  }

  /** A fault has stopped our part. */
  stopped(): void {
    this.#late.cancel();
  }

  goesOn(): void {
    this.#within("a TLS handshake");
  }

  /** A fault waits for nothing but the client's leaving, of which its socket tells. */
  hangs(): void {}

  silent(problem: string): void {
    this.#host.failed(this, "client_tls", `no alert could be sent: ${problem}`);
  }

  sent(bytes: number): void {
    if (this.#state !== "handed over") return;
    const verdict = this.faults.sent(bytes);
    if (verdict.do !== "pass") this.concluded(verdict);
  }

  /** Both sides are through. */
  secured(secured: TLSSocket): void {
    if (this.#state !== "engine" || this.#hello === null) return;
    this.#late.cancel();
    const certificate = this.#handshake?.asked === true ? certificateOf(secured) : null;
    this.#peer = securedPeer(this.#hello, secured, certificate);
    const refused = this.front.judge(secured, certificate !== null);
    if (refused !== null) {
      this.#host.failed(this, "client_tls", `its certificate is refused: ${refused.text}`);
      this.concluded({ do: "alert", alert: refused.alert });
      return;
    }
    const shown = this.faults.client(shownBy(this.#peer));
    const verdict = shown.do === "pass" ? this.faults.established() : shown;
    if (verdict.do !== "pass") {
      this.concluded(verdict);
      return;
    }
    this.#handshake?.finish();
    this.#listen(secured);
    this.#handOver(secured, this.#peer, false);
  }

  /** How the client takes the handshake: its first data say so. Reading has not begun, and this does not begin it. */
  #listen(secured: TLSSocket): void {
    if (!this.lingers) return;
    secured.pause();
    secured.once("data", () => {
      this.#testimony.data();
    });
  }

  // -- the ends -----------------------------------------------------------------------------------

  #handOver(socket: Socket, peer: Peer | null, plain: boolean): void {
    this.#state = "handed over";
    this.#host.over(peer === null ? "plain" : plain ? "passed_through" : "complete");
    this.#late.cancel();
    if (plain) {
      this.#hearing.handOver();
      if (this.lingers)
        socket.once("close", () => {
          this.guarded(() => {
            this.#finish();
          });
        });
    }
    this.#host.arrived(this, socket, peer);
    if (this.lingers || this.isOver) return;
    this.#handshake?.forget();
    this.#finish();
  }

  /** A fault, or a refusal of ours, ends it. */
  concluded(verdict: Final): void {
    if (this.#state === "over" || this.#state === "ending") return;
    this.faults.stop();
    if (verdict.do === "alert") {
      // Before there is an engine nothing is encrypted.
      if (this.#handshake === null) this.#socket.write(plainAlert(verdict.alert));
      else this.#handshake.alert(verdict.alert);
    }
    if (this.#state === "handed over") {
      this.#host.sever(this, verdict.do === "reset" ? { do: "reset" } : { do: "close" });
      return;
    }
    this.#end(verdict.do === "reset" ? "reset" : "close");
  }

  /** Ends a client that was not handed over. */
  #end(how: "close" | "reset" = "close"): void {
    if (this.#state === "over" || this.#state === "ending") return;
    this.#failed();
    this.#state = "ending";
    this.#late.cancel();
    this.faults.stop();
    if (this.#handshake !== null) {
      if (!this.#handshake.end(how)) this.#finish();
      return;
    }
    const socket = this.#socket;
    socket.on("error", () => undefined);
    if (socket.destroyed) this.#finish();
    else if (how === "reset") resetSoon(socket, this.clock, null);
    else closeSoon(socket, this.clock, null, () => false);
  }

  /** The client has ended its side. */
  ended(): void {
    if (this.#handshake === null) {
      if (this.#gone) return;
      this.#testimony.ended();
      this.#leftBefore("closed before a handshake");
      return;
    }
    if (this.#state !== "ending") this.#testimony.ended(); // Behind our own end it says nothing.
    if (this.#state === "engine") this.#leftInHandshake(CLOSED_EARLY);
  }

  broke(error: Error): void {
    this.#testimony.broke(error);
    if (this.#handshake !== null) {
      if (this.#state === "engine") this.#leftInHandshake(wordsOfTls(error));
    } else if (!this.#gone) {
      this.#testimony.ended();
      this.#leftBefore(error.message);
    }
  }

  closed(): void {
    this.#finish();
  }

  /** It is not waited for any more. */
  get #gone(): boolean {
    return this.#state !== "hello" && this.#state !== "held";
  }

  #leftBefore(text: string): void {
    if (this.#state === "hello" && this.#hearing.anything && !this.acted)
      this.#host.failed(this, "client_tls", `no ClientHello: ${text}`);
    this.#end();
  }

  #leftInHandshake(text: string): void {
    if (!this.acted) this.#host.failed(this, "client_tls", `TLS handshake: ${text}`);
    this.#end();
  }

  #tooLate(): void {
    if (this.#awaited === null) return;
    const { helloTimeout } = this.front.spec;
    if (this.#state === "hello" && this.front.mayBePlain(this.clock.now() - this.#begunAt)) {
      if (this.#hearing.anything) this.#within(this.#awaited, helloTimeout - this.front.firstWord);
      else this.#handOver(this.#socket, null, true);
      return;
    }
    this.#host.failed(this, "client_tls", `${this.#awaited} took longer than ${helloTimeout} ms`);
    this.#testimony.over();
    this.destroy();
  }

  /** The daemon is about to stop. */
  retire(): void {
    if (this.#state === "hello" && !this.#hearing.anything) this.#end();
  }

  /** The proxy goes, or the place is needed: at once. */
  destroy(): void {
    if (this.#state === "over") return;
    if (this.#state !== "handed over" && this.#state !== "ending") this.#failed();
    this.#testimony.over();
    if (this.#handshake === null) this.#socket.destroy();
    else this.#handshake.destroy();
    this.#finish();
  }

  /** Other faults are in force. */
  apply(change: FaultChange): void {
    if (this.#state === "over") return;
    this.faults.apply(change.removed, change.assigned);
    this.cipher.apply(change);
  }

  #finish(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#late.cancel();
    this.#testimony.over();
    if (this.#host.recording && this.#hello !== null) this.#testimony.concluded();
    this.faults.release();
    this.cipher.release();
    this.#host.left(this);
  }

  /** No handshake comes of it; who has said nothing has not begun one. */
  #failed(): void {
    if (this.#hearing.anything) this.#host.over(this.acted ? "faulted" : "failed");
  }

  #within(what: string, millis = this.front.spec.helloTimeout): void {
    this.#awaited = what;
    this.#late.set(this.clock.now() + millis);
  }

  /** How the client took what faults did. */
  told(took: Took, at: Millis): void {
    this.faults.took(took);
    this.#host.took(this, { took, problem: this.#problem, since: this.#begunAt, at, hits: this.hits });
  }

  info(attend: () => void): HandshakeInfo {
    const { bot, origin } = this;
    const { id, address, port } = origin;
    const hello = this.#hello;
    invariant(hello !== null, "a fault on a handshake without a ClientHello");
    const acceptedAt = this.#begunAt;
    return { id, client: { address, port }, bot, acceptedAt, live: false, attend, hello };
  }

  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failed(error);
    }
  }
}
