/**
 * A type of fault whose activation only observes: at each seam it is asked what it would be asked, and keeps its books of it,
 * but nothing that it says is carried out. What would have been the last word ends the round, as it would have.
 */
import type {
  AnyFaultType,
  ConnectionFault,
  ConnectionInfo,
  DnsReply,
  Direction,
  GateVerdict,
  Pass,
  QueryFault,
  QueryVerdict,
  Scope,
  Sever,
  StreamStage,
  UpstreamsFault,
} from "../faults/contract/index.js";
import { Fate, isFated } from "./fate.js";
import { WatchedHandshake } from "./watched-handshake.js";
import { WatchedExchange } from "./watching-exchange.js";
import { WatchingStage } from "./watching-stage.js";

type AnyScope = Scope<Record<string, unknown>, string, unknown>;

const PASS: Pass = { do: "pass" };

const KNOWN = new WeakMap<AnyFaultType, AnyFaultType>();

/** The same type with all its consequences left away. Datagrams are judged by their path, which asks in the shadow. */
export function observed(type: AnyFaultType): AnyFaultType {
  const known = KNOWN.get(type);
  if (known !== undefined) return known;
  const { connection, handshake, stream, exchange, query, upstreams } = type;
  const { listener: _listener, destroys: _destroys, onRemoval: _onRemoval, ...rest } = type;
  const watched: AnyFaultType = Object.freeze({
    ...rest,
    ...(connection && {
      connection: (scope: AnyScope, info: ConnectionInfo) =>
        new WatchedConnection(connection(scope, info), scope),
    }),
    ...(handshake && {
      handshake: (...[scope, info]: Parameters<typeof handshake>) =>
        new WatchedHandshake(handshake(scope, info), fateFor(scope)),
    }),
    ...(stream && {
      stream: (...[scope, info]: Parameters<typeof stream>) => {
        const make = (): StreamStage => stream(scope, info);
        return new WatchingStage(make, make(), () => fateFor(scope), info.direction);
      },
    }),
    ...(exchange && {
      exchange: (...[scope, info]: Parameters<typeof exchange>) =>
        new WatchedExchange((attended) => exchange(scope, attended), info, fateFor(scope)),
    }),
    ...(query && {
      query: (...[scope, question]: Parameters<typeof query>) =>
        watchedQuery(query(scope, question), fateFor(scope)),
    }),
    ...(upstreams && {
      upstreams: (...[scope, pool]: Parameters<typeof upstreams>) => watchedPool(upstreams(scope, pool)),
    }),
  });
  KNOWN.set(type, watched);
  return watched;
}

function fateFor(scope: object): Fate {
  return isFated(scope) ? scope.fate : new Fate();
}

class WatchedConnection implements ConnectionFault {
  readonly #inner: ConnectionFault;
  readonly #scope: object;
  /** What it wanted to be asked again, and what would have come behind that. */
  #waitsFor: (() => GateVerdict | undefined) | null = null;
  #behind: (() => void)[] = [];
  readonly stream?: (direction: Direction) => StreamStage | null;

  constructor(inner: ConnectionFault, scope: object) {
    this.#inner = inner;
    this.#scope = scope;
    if (inner.stream === undefined) return;
    this.stream = (direction) => {
      const make = (): StreamStage | null => inner.stream?.(direction) ?? null;
      const first = make();
      return (
        first &&
        new WatchingStage(
          () => make() ?? first,
          first,
          () => this.#fate,
          direction,
        )
      );
    };
  }

  get #fate(): Fate {
    return fateFor(this.#scope);
  }

  accepted(): Pass {
    this.#inTurn(() => this.#inner.accepted?.());
    return PASS;
  }

  connected(): Pass {
    this.#inTurn(() => this.#inner.connected?.());
    return PASS;
  }

  opened(): Pass {
    this.#inTurn(() => this.#inner.opened?.());
    return PASS;
  }

  wake(): Pass {
    if (this.#waitsFor !== null) this.#ask(this.#waitsFor);
    else this.#ask(() => this.#inner.wake?.());
    for (let next = this.#next(); next !== undefined; next = this.#next()) next();
    return PASS;
  }

  /** Nothing of it comes before what it waits for. */
  #inTurn(question: () => GateVerdict | undefined): void {
    if (this.#waitsFor === null) this.#ask(question);
    else
      this.#behind.push(() => {
        this.#ask(question);
      });
  }

  #next(): (() => void) | undefined {
    return this.#waitsFor === null ? this.#behind.shift() : undefined;
  }

  #ask(question: () => GateVerdict | undefined): void {
    if (this.#fate.over) return;
    const verdict = question();
    this.#waitsFor = verdict?.do === "wait" ? question : null;
    if (verdict !== undefined && isFinal(verdict)) this.#fate.over = true;
  }

  get wakeAt(): number {
    return this.#fate.over ? Infinity : this.#inner.wakeAt;
  }

  released(): void {
    this.#waitsFor = null;
    this.#behind = [];
    this.#inner.released?.();
  }
}

function watchedQuery(inner: QueryFault, fate: Fate): QueryFault {
  const ask = (question: () => QueryVerdict | undefined): Pass => {
    if (fate.over) return PASS;
    const verdict = question();
    if (verdict !== undefined && isFinal(verdict)) {
      fate.over = true;
      // A reply in the server's place has bytes as well.
      fate.answered = verdict.do === "reply";
    }
    return PASS;
  };
  return {
    query: () => ask(() => inner.query?.()),
    ...(inner.reply && { reply: (reply: DnsReply) => ask(() => inner.reply?.(fate.reply ?? reply)) }),
    ...(inner.rewrite && {
      rewrite: (reply: DnsReply) => {
        if (!fate.over) fate.reply = inner.rewrite?.(fate.reply ?? reply) ?? fate.reply;
        return reply;
      },
    }),
    ...(inner.garble && {
      garble: (message: Buffer) => {
        if (!fate.over || fate.answered)
          fate.bodies.downstream = inner.garble?.(fate.bodies.downstream ?? message) ?? null;
        return message;
      },
    }),
    unresolved: () => {
      if (!fate.over && (inner.unresolved?.() ?? PASS).do !== "pass") fate.over = true;
      return PASS;
    },
    released: () => inner.released?.(),
  };
}

function watchedPool(inner: UpstreamsFault): UpstreamsFault {
  return {
    candidates: (pool, asker) => {
      inner.candidates(pool, asker);
      return pool;
    },
    reach: (upstream) => {
      inner.reach?.(upstream);
      return PASS;
    },
    existing: (upstream) => {
      const verdict = inner.existing?.(upstream);
      if (verdict !== undefined && verdict.do !== "pass" && verdict.do !== "drain") inner.ended?.(upstream);
      return PASS;
    },
    get wakeAt() {
      return inner.wakeAt;
    },
    wake: () => inner.wake?.(),
    released: () => inner.released?.(),
  };
}

function isFinal({ do: what }: GateVerdict | QueryVerdict | Sever): boolean {
  return what !== "pass" && what !== "hold" && what !== "wait";
}
