/** One request and what comes back: what faults, journal and metrics know of it, and how far it has come. */
import type { ConnectionFailure, ExchangeEnd } from "../../core/events.js";
import type { Millis } from "../../core/clock.js";
import { fieldText, parseAuthority } from "../../core/host-name.js";
import type {
  Dispatch,
  ExchangeFault,
  ExchangeInfo,
  FieldList,
  RequestInfo,
  ResponseInfo,
} from "../../faults/contract/index.js";
import type { ArmedFault, Subject } from "../../pipeline/armed.js";
import type { ExchangeKeys, SubjectInfo } from "../../pipeline/subject-info.js";
import { withName, type ExchangeFaults, type SeenExchange } from "../../pipeline/exchange.js";
import type { Passage } from "../../pipeline/flow.js";
import { Party, type Guest } from "../../pipeline/party.js";
import type { Sight } from "../../pipeline/sight.js";
import type { Dealings } from "../../pipeline/dealings.js";
import type { ScopedBinding } from "../../pipeline/scoped-binding.js";
import type { Fields, RequestHead, ResponseHead } from "./head.js";
import type { Member } from "../upstream/pool.js";
import type { Peer } from "../secure/peer.js";
import type { Identify } from "./identify.js";
import type { Witness } from "./witness.js";

/** What an exchange is told of the connection that it is on. */
export interface ExchangePlace {
  readonly connection: number;
  readonly client: string;
  readonly port: number;
  readonly identify: Identify;
  /** Of a client that speaks TLS. */
  readonly peer: Peer | null;
}

/** A byte fault that acts on this exchange. */
export interface StreamHit {
  readonly binding: ScopedBinding;
  readonly subject: Subject;
}

/** Why there will be no answer, and how the upstream went. */
export interface Lost {
  readonly reason: ConnectionFailure;
  readonly how: "fin" | "reset";
}

const NO_HITS: readonly StreamHit[] = [];
const NOBODY: readonly string[] = [];

export class Exchange implements SubjectInfo, ExchangeKeys, RequestInfo, Guest, Passage {
  readonly id: number;
  readonly head: RequestHead;
  readonly method: string;
  readonly startedAt: Millis;
  readonly idle: Millis | null;
  readonly #place: ExchangePlace;
  #target: string | null = null;
  #path: string | null = null;
  #host: string | null = null;
  #bot: string | null = null;
  #query: URLSearchParams | null = null;
  #party: Party | null = null;
  /** The names of faults that acted on it and are not its own: of the pool, of names, of the connection. */
  #others: string[] | null = null;

  /** The upstream that it goes to; null if none is up. */
  member: Member | null = null;
  /** Sees what is recorded of it, where everything is. */
  witness: Witness | null = null;
  /** Who knows what came with its head; null once its faults are chosen. */
  ahead: { ahead(length: number): Buffer | null } | null = null;
  /** What its bot does on this proxy, and what is seen of it; null unless it began while somebody watched. */
  dealings: Dealings | null = null;
  sight: Sight | null = null;
  /** It no longer counts as busy for it. */
  givenBack = false;
  /** The faults of the exchange seam that it was hit by. */
  faults: ExchangeFaults | null = null;
  /** The byte faults that act on it. */
  streams: readonly StreamHit[] = NO_HITS;
  /** Those that are no longer in force. */
  pastStreams: readonly StreamHit[] = NO_HITS;
  dispatches: readonly Dispatch[] = [];
  /** Its upstream's work goes on although the client has left. */
  detached = false;
  /** All of the request has been read. */
  requestRead = false;
  /** What is left of its body goes to nobody. */
  discarding = false;
  discarded = 0;
  /** The upstream was sent the beginning of the request, and nothing else: what follows there would be taken for its body. */
  brokenOff = false;
  forwardedAt: Millis | null = null;
  /** The connection that it was sent over has gone, and its answer with it. */
  lost: Lost | null = null;
  /** Of the upstream's own answer. */
  status: number | null = null;
  upstreamMillis: Millis | null = null;
  /** What the client was sent. */
  clientStatus: number | null = null;
  /** What faults of the bytes had swallowed of the client's answers when this one began. */
  swallowedBefore = 0;
  /** Where the head of its answer is in all that goes to the client: it has it when so much has left. */
  headAt = 0;
  headEndsAt = 0;
  /** The same, as far as the client had it when it ended its side. */
  seenStatus: number | null = null;
  /** The client has all that it will get. */
  answered = false;
  /** The upstream's answer goes to nobody. */
  swallowing = false;
  /** Its client left, and its upstream's work goes on. */
  leftBehind = false;
  /** What is still to happen before all is known of it: copies to be sent, its upstream's answer to somebody else. */
  pending = 0;
  #whenSettled: (() => void) | null = null;
  /** The connection carries something else from now on. */
  tunnel = false;
  end: ExchangeEnd | null = null;

  constructor(id: number, head: RequestHead, place: ExchangePlace, startedAt: Millis, idle: Millis | null) {
    this.id = id;
    this.head = head;
    this.method = head.method;
    this.#place = place;
    this.startedAt = startedAt;
    this.idle = idle;
  }

  // -- as a subject

  get exchange(): ExchangeKeys {
    return this;
  }

  get connection(): number {
    return this.#place.connection;
  }

  get client(): string {
    return this.#place.client;
  }

  get peer(): Peer | null {
    return this.#place.peer;
  }

  get upstream(): string {
    return this.member?.name ?? "";
  }

  /** Asked for only where a fault or the journal wants to know. */
  get bot(): string {
    this.#bot ??= this.#place.identify(this, this.#place.client);
    return this.#bot;
  }

  /** As one who is sent to an upstream. */
  get party(): Party {
    this.#party ??= new Party(this, (fault) => {
      this.struckBy(fault);
    });
    return this.#party;
  }

  /** A fault that is none of its own has acted on it: of the pool, of names, or of its connection. */
  struckBy(fault: string): void {
    this.#others ??= [];
    if (!this.#others.includes(fault)) this.#others.push(fault);
  }

  /** A byte fault acts on it from now on. */
  struckBytes(hit: StreamHit): void {
    this.streams = this.streams.length === 0 ? [hit] : [...this.streams, hit];
  }

  /** What its bytes are marked with on their way past byte faults; null while there has been none. */
  get passage(): Passage | null {
    return this.streams.length === 0 && this.pastStreams.length === 0 ? null : this;
  }

  /** Whether faults may have something to tell of it. */
  get concerned(): boolean {
    return this.faults !== null || this.streams.length > 0 || this.#party !== null || this.#others !== null;
  }

  /** All is known of it: what its faults did in all is told. */
  finished(): void {
    this.#party?.finished();
    this.faults?.finished();
    for (const { subject } of this.streams) subject.finished();
  }

  // -- as a request

  get target(): string {
    this.#target ??= this.head.target;
    return this.#target;
  }

  get path(): string {
    this.#path ??= fieldText(pathOf(this.target));
    return this.#path;
  }

  get minor(): number {
    return this.head.minor;
  }

  /** The host that is asked for, without its port and in its one spelling. */
  get host(): string {
    this.#host ??= hostOf(this.target, this.head.get("host") ?? "");
    return this.#host;
  }

  get site(): string | undefined {
    return this.witness?.visit.site;
  }

  get nth(): number | undefined {
    return this.witness?.visit.nth;
  }

  header(name: string): string | undefined {
    return this.head.get(name);
  }

  headers(name: string): readonly string[] {
    return this.head.all(name).map(fieldText);
  }

  queries(name: string): readonly string[] {
    const mark = this.target.indexOf("?");
    if (mark < 0) return [];
    this.#query ??= new URLSearchParams(this.target.slice(mark + 1).replace(/#.*$/su, ""));
    return this.#query.getAll(name);
  }

  bodyAhead(): Buffer | null {
    const { framing } = this.head;
    return framing.body === "length" ? (this.ahead?.ahead(framing.length) ?? null) : null;
  }

  fields(): FieldList {
    return listOf(this.head);
  }

  /** As one of its faults sees it. */
  seenBy(armed: ArmedFault): SeenExchange {
    return new ExchangeView(this, this.#place, armed);
  }

  /** The names of the faults that did something to it. */
  get hits(): readonly string[] {
    if (!this.concerned && this.pastStreams.length === 0) return NOBODY;
    let own = this.faults?.names({ detaching: this.leftBehind }) ?? NOBODY;
    for (const streams of [this.pastStreams, this.streams])
      for (const { subject } of streams) if (subject.touched) own = withName(own, subject.armed.origin.fault);
    return this.#others === null ? own : [...this.#others.filter((name) => !own.includes(name)), ...own];
  }

  /** The faults that its answer names: those, and what is about to act on bytes that are still to be sent. */
  get marks(): string[] {
    const streams = this.streams.filter(
      ({ subject: { touched, armed } }) => !armed.observe && (touched || armed.actsOn("downstream")),
    );
    return [
      ...(this.faults?.names({ cutting: true }) ?? []),
      ...streams.map(({ subject }) => subject.armed.origin.fault),
    ];
  }

  /** Calls back, once, when nothing is pending; at once if nothing is. */
  whenSettled(then: () => void): void {
    if (this.pending === 0) then();
    else this.#whenSettled = then;
  }

  /** One of the things that were pending is not any more. */
  settled(): void {
    this.pending--;
    if (this.pending > 0) return;
    const then = this.#whenSettled;
    this.#whenSettled = null;
    then?.();
  }

  /** Whether it is over for both sides. */
  get complete(): boolean {
    return this.answered && (this.requestRead || this.discarding);
  }
}

/** What a fault can ask of its exchange; most ask for little, so nothing is looked up before. */
class ExchangeView implements SeenExchange {
  readonly #exchange: Exchange;
  readonly #place: ExchangePlace;
  readonly #armed: ArmedFault;
  #fault: ExchangeFault | null = null;
  #among: ExchangeFaults | null = null;

  constructor(exchange: Exchange, place: ExchangePlace, armed: ArmedFault) {
    this.#exchange = exchange;
    this.#place = place;
    this.#armed = armed;
  }

  belongsTo(fault: ExchangeFault, among: ExchangeFaults): void {
    this.#fault = fault;
    this.#among = among;
  }

  attend(): void {
    if (this.#fault !== null) this.#among?.attend(this.#fault);
  }

  get id(): number {
    return this.#exchange.id;
  }

  get connection(): number {
    return this.#place.connection;
  }

  get client(): ExchangeInfo["client"] {
    return { address: this.#place.client, port: this.#place.port };
  }

  get bot(): string {
    return this.#exchange.bot;
  }

  get upstream(): string {
    return this.#exchange.upstream;
  }

  get request(): Exchange {
    return this.#exchange;
  }

  get route(): string {
    return this.#armed.routeOf(this.#exchange);
  }

  get startedAt(): Millis {
    return this.#exchange.startedAt;
  }

  get idle(): Millis | null {
    return this.#exchange.idle;
  }
}

/** The path of a request target in any of its forms; a tunnel's is its authority. */
export function pathOf(target: string): string {
  let start = 0;
  if (!target.startsWith("/")) {
    const scheme = /^[a-z][a-z0-9+.-]*:\/\//iu.exec(target);
    if (scheme === null) return target;
    const slash = target.indexOf("/", scheme[0].length);
    const query = target.indexOf("?", scheme[0].length);
    if (slash < 0 || (query >= 0 && query < slash)) return "/";
    start = slash;
  }
  const query = target.indexOf("?", start);
  if (query >= 0) return target.slice(start, query);
  return start === 0 ? target : target.slice(start);
}

/** Of the absolute form, and of the form that CONNECT has. */
const TARGET_AUTHORITY = /^(?:[a-z][a-z0-9+.-]*:\/\/(?=[^/?#])|(?=[^/?#]+:\d+$))([^/?#]+)/iu;

/**
 * The host of a request: that of its target, where this has one, goes before the Host field, which a proxy ignores then
 * (RFC 9112, section 3.2.2). The target of CONNECT is a host and a port.
 */
export function hostOf(target: string, field: string): string {
  return parseAuthority(fieldText(authorityOf(target, field))).host;
}

/** The same with its port, as it was written. */
export function authorityOf(target: string, field: string): string {
  const [, own] = target.startsWith("/") ? [] : (TARGET_AUTHORITY.exec(target) ?? []);
  return own === undefined ? field : own.slice(own.lastIndexOf("@") + 1);
}

export function listOf(fields: Fields): FieldList {
  const list: (readonly [string, string])[] = [];
  for (let field = 0; field < fields.count; field++) list.push([fields.name(field), fields.value(field)]);
  return list;
}

/** An answer's head, as faults see it. */
export class AnswerView implements ResponseInfo {
  readonly #head: ResponseHead;
  readonly #fields: FieldList | null;

  /** `fields` are those that it is to have, where they are others than those that came. */
  constructor(head: ResponseHead, fields: FieldList | null) {
    this.#head = head;
    this.#fields = fields;
  }

  get status(): number {
    return this.#head.status;
  }

  get reason(): string {
    return this.#head.reason;
  }

  header(name: string): string | undefined {
    return this.#head.get(name);
  }

  fields(): FieldList {
    return this.#fields ?? listOf(this.#head);
  }
}
