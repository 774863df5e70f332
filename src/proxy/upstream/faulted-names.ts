/**
 * A proxy's own view of names, with the DNS faults in force that act `on: upstream`. Without such a fault it is not
 * there at all: names go straight to the resolver that all proxies share.
 *
 * One resolution is one question, of type A, or AAAA for an IPv6 address; its answers hold the addresses of both
 * families. An address stands for a name here: a proxy to 10.0.0.1 can be failed by DNS as one to a name.
 */
import { isIP } from "node:net";
import type { Timer } from "../../core/clock.js";
import { contained, type Owner } from "../../core/containment.js";
import type { DnsReply, Question } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Bearer, SubjectInfo } from "../../pipeline/subject-info.js";
import type { FaultChange } from "../../pipeline/bindings.js";
import { isCheck, type Asking } from "../../pipeline/party.js";
import { QueryFaults, type FinalQueryVerdict } from "../../pipeline/query.js";
import type { PlaneContext } from "../context.js";
import type { LookUp, LookUpTimer } from "./dial.js";
import { ResolveError, type ResolveFailure } from "./resolve-error.js";
import type { ResolvedAddress } from "./dns-client.js";
import type { Named } from "./intercepted.js";

/** What glibc waits for a server (resolv.conf(5), `timeout`); asked once only, or every dial would take as long again. */
const PATIENCE_MS = 5_000;

/**
 * Who asks, where a fault counts and draws by bot: no client does. Health checks ask in a row of their own, or their
 * rhythm would move the draws of what clients meet. The journal names those for whom it was asked.
 */
const BOT = "resolver";
const CHECKING_BOT = "health check";
const RCODES: Readonly<Record<ResolveFailure, string | null>> = {
  not_found: "NXDOMAIN",
  timeout: null,
  refused: "REFUSED",
  server_failure: "SERVFAIL",
  descriptor_limit: null,
  other: "SERVFAIL",
};
const FAILURES: Readonly<Record<string, readonly [ResolveFailure, string]>> = {
  NOERROR: ["not_found", "the name has no address"],
  NXDOMAIN: ["not_found", "there is no such name"],
  REFUSED: ["refused", "the DNS server refused the question"],
  NOTIMP: ["server_failure", "the DNS server does not implement the question"],
  FORMERR: ["server_failure", "the DNS server could not read the question"],
};

export class FaultedNames {
  readonly #proxy: string;
  readonly #context: PlaneContext;
  readonly #running = new Set<Resolution>();
  #faults: readonly ArmedFault[] = [];
  #asked = 0;
  /** Another number whenever the view becomes another one: what was found before need not hold any more. */
  edition = 0;

  constructor(proxy: string, context: PlaneContext) {
    this.#proxy = proxy;
    this.#context = context;
  }

  apply({ faults, removed, assigned }: FaultChange): void {
    const before = this.#faults;
    this.#faults = faults.filter(({ type }) => type.query !== undefined);
    if (before.length > 0 || this.#faults.length > 0) this.edition++;
    for (const resolution of [...this.#running])
      contained(resolution, () => {
        resolution.changed(removed, assigned);
      })();
  }

  /** For whoever dials; undefined while there is nothing to do. */
  get lookUp(): LookUp | undefined {
    return this.#faults.length === 0 ? undefined : this.#lookUp;
  }

  readonly #lookUp: LookUp = (host, asking, timer, done) => {
    const { clock, facts } = this.#context;
    this.#asked++;
    const bot = asking !== null && isCheck(asking) ? CHECKING_BOT : BOT;
    const question: Question = {
      name: host.toLowerCase().replace(/\.$/u, ""),
      type: isIP(host) === 6 ? "AAAA" : "A",
      transport: "internal",
      bot,
    };
    const subject = { bot, client: "", connection: this.#asked, query: question, ...toldOf(asking) };
    const tell = (error: unknown): void => {
      facts.tell({ kind: "mistake", where: `the name of the upstream of ${this.#proxy}`, error });
    };
    const resolution = new Resolution(this.#context, question, timer, {
      failed: tell,
      done: (named) => {
        this.#running.delete(resolution);
        done(named);
      },
    });
    this.#running.add(resolution);
    resolution.hit(QueryFaults.of(this.#faults, subject, question, clock, tell, resolution));
    // `done` must not be called from within this call.
    queueMicrotask(
      contained(resolution, () => {
        resolution.begin();
      }),
    );
    return {
      cancel: () => {
        this.#running.delete(resolution);
        resolution.cancel();
      },
    };
  };
}

/** Whom the journal is to name as hit. */
function toldOf(asking: Asking | null): Pick<SubjectInfo, "bearer" | "struck" | "healthCheck"> {
  if (asking === null) return { bearer: NOBODY };
  if (isCheck(asking)) return { bearer: NOBODY, healthCheck: asking.healthCheck };
  const { party } = asking;
  return {
    bearer: party.bearer,
    struck: (fault) => {
      party.struck(fault);
    },
  };
}

const NOBODY: Bearer = { bot: "", connection: 0 };

interface ResolutionHooks {
  /** Hears of mistakes of ours. */
  failed(error: unknown): void;
  done(named: Named): void;
}

class Resolution implements Owner {
  readonly #context: PlaneContext;
  readonly #question: Question;
  readonly #dialTimer: LookUpTimer;
  readonly #hooks: ResolutionHooks;
  #faults: QueryFaults | null = null;
  /** A dropped question is waited for, or its client hangs: goes on when the fault goes. */
  #stuck = false;
  #timer: Timer | null = null;
  #over = false;

  constructor(context: PlaneContext, question: Question, dialTimer: LookUpTimer, hooks: ResolutionHooks) {
    this.#context = context;
    this.#question = question;
    this.#dialTimer = dialTimer;
    this.#hooks = hooks;
  }

  /** The faults that act on it. */
  hit(faults: QueryFaults | null): void {
    this.#faults = faults;
  }

  failed(error: unknown): void {
    this.#hooks.failed(error);
    const mistake = this.#error("other", "a mistake of Squall itself: the log has more");
    this.#finish({ error: mistake, misled: false });
  }

  begin(): void {
    if (this.#over) return;
    if (this.#faults === null) {
      this.#ask();
      return;
    }
    this.#faults.askQuery((outcome) => {
      if (outcome.do === "pass") this.#ask();
      else this.#decided(outcome);
    });
  }

  #ask(): void {
    const { name, type } = this.#question;
    const literal = isIP(name) === 0 ? null : [name];
    if (literal !== null) {
      this.#replied({ rcode: "NOERROR", truncated: false, answers: [{ name, type, ttl: 0, data: name }] });
      return;
    }
    this.#context.resolver.resolve(name).then(
      contained(this, (addresses: readonly ResolvedAddress[]) => {
        const answers = addresses.map(({ address, family }) => ({
          name,
          type: family === 6 ? "AAAA" : "A",
          ttl: 0,
          data: address,
        }));
        this.#replied({ rcode: "NOERROR", truncated: false, answers });
      }),
      contained(this, (error: unknown) => {
        const known = error instanceof ResolveError ? error : new ResolveError("other", name, String(error));
        const rcode = RCODES[known.code];
        if (rcode === null || this.#faults === null) this.#fail(known, false);
        else this.#replied({ rcode, truncated: false, answers: [] });
      }),
    );
  }

  #replied(reply: DnsReply): void {
    if (this.#over) return;
    if (this.#faults === null) {
      this.#conclude(reply);
      return;
    }
    this.#faults.askReply(reply, (outcome) => {
      if (outcome.do === "pass") this.#conclude(reply);
      else this.#decided(outcome);
    });
  }

  #decided(outcome: FinalQueryVerdict): void {
    switch (outcome.do) {
      case "reply":
        this.#conclude(outcome.reply, true);
        return;
      case "drop": {
        const { clock } = this.#context;
        this.#stuck = true;
        const late = contained(this, () => {
          this.#stuck = false;
          this.#fail(this.#error("timeout", "no DNS server answered in time"), true);
        });
        this.#timer = clock.at(clock.now() + PATIENCE_MS, late);
        return;
      }
      case "close":
      case "reset":
        this.#fail(this.#error("refused", "the DNS server cannot be reached"), true);
    }
  }

  /** `made`: the reply is a fault's. */
  #conclude(reply: DnsReply, made = false): void {
    const rewritten = this.#faults?.rewrite(reply) ?? reply;
    const misled = made || rewritten !== reply;
    const { rcode, answers } = rewritten;
    const four = answers.filter(({ type }) => type === "A");
    const six = answers.filter(({ type }) => type === "AAAA");
    const addresses = [...four, ...six].map(({ data }) => data);
    if (rcode === "NOERROR" && addresses.length > 0) this.#finish({ addresses, misled });
    else
      this.#fail(
        this.#error(...(FAILURES[rcode] ?? (["server_failure", "the DNS server failed"] as const))),
        misled,
      );
  }

  #error(code: ResolveFailure, reason: string): ResolveError {
    return new ResolveError(code, this.#question.name, reason);
  }

  #fail(error: ResolveError, misled: boolean): void {
    if (this.#over) return;
    const verdict = this.#faults?.unresolved() ?? null;
    if (verdict === null) this.#finish({ error, misled });
    else if (verdict.do !== "hang") this.#finish({ verdict });
    else {
      this.#stuck = true;
      this.#dialTimer.pause();
    }
  }

  changed(removed: ReadonlySet<ArmedFault>, assigned: ReadonlySet<ArmedFault>): void {
    if (this.#over || this.#faults === null) return;
    const left = this.#faults.removed(removed);
    this.#faults.assigned(assigned);
    if (!left || !this.#stuck) return;
    this.#stuck = false;
    this.#timer?.cancel();
    this.#dialTimer.resume();
    this.#ask();
  }

  #finish(named: Named): void {
    if (this.#over) return;
    this.cancel();
    this.#hooks.done(named);
  }

  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
    if (this.#faults?.release() === true) this.#faults.finished();
  }
}
