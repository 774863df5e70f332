/**
 * Dialling an upstream: resolve, then race for one of its addresses (RFC 8305), all within one time-out. Each connection dials
 * for itself. Whoever finds nobody at an address has the name asked for again, and goes on with what is new.
 */
import { isIP, type Socket } from "node:net";
import type { Millis, Timer } from "../../core/clock.js";
import { isLocalLack, wordsOfLack } from "../local-lacks.js";
import { attempt, type DialFailure } from "./attempt.js";
import type { Dialling, DialOptions, LookUpTimer } from "./dialling.js";
import { Race } from "./race.js";
import type { Intercepted, Named } from "./intercepted.js";
import type { Endpoint } from "./reader.js";
import { ResolveError, type ResolvedAddress } from "./resolver.js";
import { StraightDial } from "./straight-dial.js";

export type { DialFailure, TlsOptions } from "./attempt.js";

export type { Dialling, DialOptions, LookUp, LookUpTimer } from "./dialling.js";
export type { Endpoint } from "./reader.js";

/** The connection attempt delay of RFC 8305, section 8; where there is little time, each attempt has a quarter of it. */
const ATTEMPT_DELAY: Millis = 250;
const SHARE = 4;
/** How often a name is asked for again while all of its addresses keep silent. */
const ASK_AGAIN: Millis = 1_000;
/** How long a dialling that has failed everywhere waits for DNS to know better. */
const PATIENCE: Millis = 250;

/** Calls `done` with a connected socket or a failure, once, never from within this call, unless cancelled first. */
export function dial(
  to: Endpoint,
  options: DialOptions,
  done: (result: Socket | DialFailure | Intercepted) => void,
): Dialling {
  const isPlain = options.lookUp === undefined && isIP(to.host) !== 0;
  const dialling = isPlain ? new StraightDial(to, options, done) : new Dial(to, options, done);
  dialling.begin();
  return dialling;
}

class Dial implements Dialling {
  readonly #to: Endpoint;
  readonly #options: DialOptions;
  readonly #done: (result: Socket | DialFailure | Intercepted) => void;
  readonly #race: Race<string, Socket, DialFailure>;
  readonly #isLiteral: boolean;
  /** Faults have made something else of its name, so that whatever comes of it is their doing. */
  #misled = false;
  #timer: Timer;
  #lookingUp: Dialling | null = null;
  #failure: DialFailure | null = null;
  #renewing = false;
  /** A family of addresses that the look-up did not wait for is still to come. */
  #awaiting = false;
  /** All addresses have failed; what is heard of others is waited for. */
  #patience: Timer | null = null;
  /** All that there were have failed. */
  #exhausted = false;
  #over = false;

  constructor(
    to: Endpoint,
    options: DialOptions,
    done: (result: Socket | DialFailure | Intercepted) => void,
  ) {
    this.#to = to;
    this.#options = options;
    this.#done = done;
    this.#isLiteral = isIP(to.host) !== 0;
    this.#race = this.#raceOf(options);
    this.#timer = this.#startTimer();
  }

  #raceOf(options: DialOptions): Race<string, Socket, DialFailure> {
    const { clock, timeout, take, tls = null, descriptors, keepalive, book } = options;
    const { host, port } = this.#to;
    return new Race({
      clock,
      delay: Math.min(ATTEMPT_DELAY, timeout / SHARE),
      again: ASK_AGAIN,
      keyOf: (address) => address,
      start: (address, runner) => attempt({ host, address, port, take, tls, descriptors, keepalive }, runner),
      won: (socket, address) => {
        book?.worked(address);
        this.#finish(socket);
      },
      lost: (failure, address) => {
        this.#lost(failure, address);
      },
      silent: (address) => {
        this.#doubt(address);
      },
      wanting: (keepSilent) => {
        this.#wanting(keepSilent);
      },
    });
  }

  #startTimer(): Timer {
    const { clock, timeout } = this.#options;
    return clock.at(clock.now() + timeout, () => {
      this.#fail("upstream_timeout", `no connection to ${this.#name} within ${timeout} ms`);
    });
  }

  get #name(): string {
    return `${this.#to.host}:${this.#to.port}`;
  }

  begin(): void {
    const { host } = this.#to;
    const { lookUp, resolver, asking = null } = this.#options;
    if (lookUp !== undefined) {
      this.#lookingUp = lookUp(host, asking, this.#lookUpTimer(), (named) => {
        this.#lookingUp = null;
        this.#named(named);
      });
      return;
    }
    resolver.resolve(host).then(
      (addresses) => {
        this.#try(textsOf(addresses));
        this.#awaitLate();
      },
      (error: unknown) => {
        this.#unresolved(error);
      },
    );
  }

  #named(named: Named): void {
    if (this.#over) return;
    if ("verdict" in named) {
      this.#finish(named);
      return;
    }
    this.#misled = named.misled;
    if ("error" in named) this.#unresolved(named.error);
    else {
      this.#try(named.addresses);
      if (!named.misled) this.#awaitLate();
    }
  }

  #unresolved(error: unknown): void {
    const text = error instanceof ResolveError ? error.reason : String(error);
    if (error instanceof ResolveError && error.code === "descriptor_limit") {
      this.#fail("descriptor_limit", wordsOfLack("descriptor_limit"));
      return;
    }
    this.#fail("upstream_unresolved", `cannot resolve ${this.#to.host}: ${text}`);
  }

  #lookUpTimer(): LookUpTimer {
    return {
      pause: () => {
        this.#timer.cancel();
      },
      resume: () => {
        this.#timer.cancel();
        if (!this.#over) this.#timer = this.#startTimer();
      },
    };
  }

  #try(addresses: readonly string[]): void {
    if (this.#over) return;
    if (addresses.length === 0) this.#fail("upstream_unresolved", `${this.#to.host} has no address`);
    else this.#add(addresses);
  }

  /** Answers whether there is a new one among them. */
  #add(addresses: readonly string[]): boolean {
    const more = this.#race.add(this.#ordered(addresses));
    if (more) this.#exhausted = false;
    return more;
  }

  /** Addresses that come late join those that are tried (RFC 8305, section 3), and are waited for where there are no others. */
  #awaitLate(): void {
    const late = this.#isLiteral || this.#over ? null : this.#options.resolver.late(this.#to.host);
    if (late === null) return;
    this.#awaiting = true;
    void late.then((addresses) => {
      this.#awaiting = false;
      if (!this.#add(textsOf(addresses)) && this.#exhausted) this.#wanting(false);
    });
  }

  #ordered(addresses: readonly string[]): readonly string[] {
    const { book, turn = 0 } = this.#options;
    return book?.ordered(addresses, turn) ?? addresses;
  }

  #lost(failure: DialFailure, address: string): void {
    this.#failure = this.#graver(failure);
    if (isLocalLack(failure.reason)) {
      // Others would want for a descriptor as well.
      if (failure.reason === "descriptor_limit") this.#fail(failure.reason, failure.text);
      return;
    }
    this.#doubt(address);
  }

  /**
   * The one to tell of several: what this machine lacks, as nobody knows what the upstream would have done; then the first,
   * but for a family that this machine has no way to.
   */
  #graver(failure: DialFailure): DialFailure {
    const before = this.#failure;
    if (before === null || isLocalLack(failure.reason)) return failure;
    return before.reason === "upstream_unreachable" ? failure : before;
  }

  #doubt(address: string): void {
    this.#options.book?.failed(address);
    this.#renew();
  }

  #wanting(keepSilent: boolean): void {
    if (this.#over) return;
    this.#exhausted = !keepSilent;
    if (keepSilent) {
      this.#renew();
      return;
    }
    if (this.#awaiting) return;
    if (!this.#renewing) {
      this.#failed();
      return;
    }
    const { clock } = this.#options;
    this.#patience = clock.at(clock.now() + PATIENCE, () => {
      this.#failed();
    });
  }

  /** Has DNS asked whether it knows better by now, and tries what is new; what a fault said of the name stays. */
  #renew(): void {
    if (this.#renewing || this.#isLiteral) return;
    const { lookUp, resolver } = this.#options;
    const renewed = resolver.renew(this.#to.host);
    if (lookUp !== undefined) {
      renewed.catch(() => undefined);
      return;
    }
    this.#renewing = true;
    renewed.then(
      (addresses) => {
        this.#renewed(textsOf(addresses));
      },
      () => {
        this.#renewed([]);
      },
    );
  }

  #renewed(addresses: readonly string[]): void {
    this.#renewing = false;
    const waited = this.#patience !== null;
    this.#patience?.cancel();
    this.#patience = null;
    if (!this.#add(addresses) && waited) this.#failed();
  }

  #failed(): void {
    const { reason, text } = this.#failure ?? {
      reason: "upstream_error",
      text: `${this.#name}: no connection`,
    };
    this.#fail(reason, text);
  }

  #fail(reason: DialFailure["reason"], text: string): void {
    this.#finish({ reason, text, ...(this.#misled ? { injected: true } : {}) });
  }

  #finish(result: Socket | DialFailure | Intercepted): void {
    if (this.#over) return;
    this.cancel();
    this.#done(result);
  }

  cancel(): void {
    this.#over = true;
    this.#timer.cancel();
    this.#patience?.cancel();
    this.#lookingUp?.cancel();
    this.#race.cancel();
  }
}

function textsOf(addresses: readonly ResolvedAddress[]): readonly string[] {
  return addresses.map(({ address }) => address);
}
