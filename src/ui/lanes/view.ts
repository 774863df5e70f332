/** The view Lanes: who lived through what, one lane for each bot, and both sides of everything on one axis of time. */
import type { LiveExchange } from "../../live/contract.js";
import { plural } from "../format.js";
import type { Unseen } from "../live/unseen.js";
import { empty, name } from "../parts.js";
import { pathOf, type Place } from "../router.js";
import { seen } from "../text.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import { repeat } from "../vendor/directives/repeat.js";
import type { OpenView, Page, View } from "../view.js";
import { entryOf, type LaneEntry } from "./entry.js";
import { geometryOf, rowAt, type Geometry } from "./geometry.js";
import { legend } from "./legend.js";
import { entryAt } from "./layout.js";
import { Ledger, type Lane } from "./ledger.js";
import { Order } from "./order.js";
import { Plots } from "./plots.js";
import { LISTED, side, whyPath } from "./side.js";
import { Stage } from "./stage.js";
import { latest, laneWords } from "./told.js";
import { atTime, between, liveWindow, panned, SPAN_FIRST, zoomed, type TimeWindow } from "./window.js";
import type { Point, Stretch } from "./gestures.js";

/** Time goes on also while nothing happens. */
const BEAT_MS = 250;
/** Whoever points is no marksman. */
const SLACK = 4;
const ZOOM = 0.6;
const PAN = 0.25;

class LanesView implements View {
  readonly title = "Lanes";
  readonly #page: Page;
  readonly #ledger = new Ledger();
  readonly #order = new Order();
  readonly #deaf: () => void;
  readonly #beat: ReturnType<typeof setInterval>;
  readonly #narrow = matchMedia("(max-width: 40rem)");
  #stage: Stage | null = null;
  #window: TimeWindow = liveWindow(0);
  #geometry: Geometry = geometryOf([], false);
  #filter: string;
  /** Null for the worst. */
  #selected: string | null = null;
  #marked: LaneEntry | null = null;
  /** What the list shows for as long as somebody points at it. */
  #held: readonly LaneEntry[] | null = null;
  #pointer: Point | null = null;
  #cursor: number | null = null;
  #choosing: Stretch | null = null;
  #heard = false;

  constructor(page: Page, { query }: Place) {
    this.#page = page;
    this.#filter = query["bot"] ?? "";
    this.#deaf = page.live.onExchanges((exchanges, whole, unseen) => {
      this.#hear(exchanges, whole, unseen);
    });
    this.#beat = setInterval(() => {
      if (this.#window.live && !document.hidden) page.changed();
    }, BEAT_MS);
    addEventListener("scroll", this.#scrolled, { passive: true });
  }

  close(): void {
    this.#deaf();
    clearInterval(this.#beat);
    removeEventListener("scroll", this.#scrolled);
    this.#stage?.close();
    this.#stage = null;
  }

  moved({ query }: Place): void {
    this.#filter = query["bot"] ?? "";
  }

  render(): TemplateResult {
    const now = this.#now;
    this.#window = atTime(this.#window, now);
    const held = this.#pointer !== null || !this.#window.live;
    const { shown, more } = this.#order.lanes(this.#ledger, this.#filter, held, performance.now());
    this.#geometry = geometryOf(shown, this.#narrow.matches);
    // It may have changed, or been forgotten.
    if (this.#marked !== null)
      this.#marked = this.#ledger.find(this.#marked.proxy, this.#marked.id)?.entry ?? null;
    return html`<section class="lanes" aria-labelledby="lanes-title">
      ${this.#head(shown.length, more)} ${shown.length === 0 ? this.#nothing() : this.#body(shown)}
    </section>`;
  }

  rendered(): void {
    const root = document.querySelector<HTMLElement>(".lanes-stage");
    if (this.#stage !== null && !this.#stage.isOn(root)) {
      this.#stage.close();
      this.#stage = null;
    }
    if (root === null) return;
    this.#stage ??= this.#open(root);
    const { live } = this.#page;
    const now = this.#now;
    this.#stage.paint({
      ledger: this.#ledger,
      window: this.#window,
      geometry: this.#geometry,
      bands: live.store.bands.list(),
      now,
      wall: live.store.wall(0),
      selected: this.#lane?.bot ?? null,
      marked: this.#marked,
      cursor: this.#cursor,
      choosing: this.#choosing,
    });
  }

  // -- what is rendered ---------------------------------------------------------------------------

  #head(lanes: number, more: number): TemplateResult {
    const { live } = this.#window;
    const span = this.#window.until - this.#window.from;
    const { left_out: out } = this.#page.live.store.totals;
    const lost = out.rate + out.bot;
    return html`<div class="lanes-head">
      <div>
        <h1 id="lanes-title">Lanes</h1>
        <p class="soft">
          ${plural(lanes + more, "bot")}, ${plural(this.#ledger.size, "exchange")} of the last ten
          minutes${more > 0 ? html`; the ${lanes} worst are shown` : nothing}${
            lost > 0 ? html`; <b>${plural(lost, "exchange")} more</b> than there is room for` : nothing
          }${this.#ledger.gaps.length > 0 ? html`; <b>not watched</b> all the time` : nothing}
        </p>
      </div>
      <div class="lanes-tools" role="group" aria-label="What is shown">
        <input
          type="search"
          placeholder="Find a bot"
          aria-label="Only bots whose name has"
          .value=${this.#filter}
          @input=${(event: Event) => {
            this.#find((event.target as HTMLInputElement).value);
          }}
        />
        ${this.#tool("Earlier", "‹", () => this.#pan(-PAN))} ${this.#tool("Later", "›", () => this.#pan(PAN))}
        ${this.#tool("Show more time", "−", () => this.#zoom(1 / ZOOM))}
        <span class="lanes-span">${spanText(span)}</span>
        ${this.#tool("Show less time", "+", () => this.#zoom(ZOOM))}
        <button
          type="button"
          class="small live-switch"
          aria-pressed=${live ? "true" : "false"}
          @click=${() => this.#follow()}
        >
          <i aria-hidden="true"></i>${live ? "live" : "back to live"}
        </button>
      </div>
    </div>`;
  }

  #tool(label: string, sign: string, run: () => void): TemplateResult {
    return html`<button type="button" class="small" aria-label=${label} title=${label} @click=${run}>
      ${sign}
    </button>`;
  }

  #body(shown: readonly Lane[]): TemplateResult {
    const selected = this.#lane;
    return html`<div class="lanes-body">
      <div class="lanes-stage">
        <div class="lanes-above">
          ${Plots.kinds.map(
            ({ label, lines }) =>
              html`<div class="plot-label">
                  ${label}
                  <small
                    >${lines.map((line, index) => html`${index > 0 ? ", " : ""}<i class="key key${line.colour}"></i>${line.label}`)}</small
                  >
                </div>
                <canvas class="plot" aria-hidden="true"></canvas>`,
          )}
          <div class="plot-label strip-label">profiles, time</div>
          <div class="lanes-strip-space">
            <canvas class="lanes-strip" role="img" aria-label=${this.#bandsInWords()}></canvas>
          </div>
        </div>
        <div class="lanes-rows">
          <ol class="lane-names" aria-label="Bots, worst first">
            ${repeat(
              shown,
              ({ bot }) => bot,
              (lane) => this.#name(lane, lane === selected),
            )}
          </ol>
          <div class="lanes-space">
            <canvas
              class="lanes-canvas"
              tabindex="0"
              role="application"
              aria-label="Lanes of bots over time"
              aria-describedby="lanes-help"
            ></canvas>
          </div>
        </div>
        ${legend(!this.#narrow.matches)}
      </div>
      ${
        selected === null
          ? nothing
          : side({
              lane: selected,
              ledger: this.#ledger,
              entries: this.#held ?? latest(selected, this.#window, LISTED),
              hold: (entries) => {
                this.#held = entries;
              },
              marked: this.#marked,
              now: this.#now,
              wall: this.#page.live.store.wall(0),
              mark: (entry) => {
                this.#mark(entry);
              },
            })
      }
    </div>`;
  }

  /** What is on now, and what was set last. */
  #bandsInWords(): string {
    const bands = this.#page.live.store.bands.list();
    const on = bands.filter(({ until, mark }) => until === null && mark === null);
    const phases = new Set(on.flatMap(({ phase, activation }) => (phase === null ? [] : [activation])));
    const words = on
      .filter(({ phase, activation }) => phase !== null || !phases.has(activation))
      .map(({ profile, phase }) =>
        seen(phase === null ? (profile ?? "") : `${profile ?? ""}, phase ${phase}`, 60),
      );
    return words.length === 0 ? "No profile is on." : `On now: ${words.join("; ")}.`;
  }

  #name(lane: Lane, selected: boolean): TemplateResult {
    const { text, tone } = laneWords(lane);
    return html`<li class="lane-name">
      <button
        type="button"
        aria-pressed=${selected ? "true" : "false"}
        @click=${() => {
          this.#selected = lane.bot;
          this.#held = null;
          this.#marked = null;
          this.#page.changed();
        }}
      >
        ${name(lane.bot, 40)} <small class="deed-${tone}">${text}</small>
      </button>
    </li>`;
  }

  #nothing(): TemplateResult {
    if (!this.#heard)
      return empty("Waiting for exchanges …", "They are kept from the moment somebody looks.");
    if (this.#filter.trim() !== "")
      return empty(
        "No such bot",
        html`None of those seen in the last ten minutes has “${seen(this.#filter, 40)}” in its name.`,
      );
    return empty(
      "Nobody has sent anything yet",
      "Exchanges are kept while somebody looks, from the moment this page was opened. Point a bot at a proxy and its lane appears.",
    );
  }

  // -- what happens -------------------------------------------------------------------------------

  get #now(): number {
    return this.#page.live.store.now(performance.now());
  }

  /** The one that is selected; else the worst. */
  get #lane(): Lane | null {
    const [first] = this.#geometry.rows;
    const { lanes } = this.#ledger;
    const chosen = this.#selected === null ? undefined : lanes.get(this.#selected);
    return chosen ?? (first === undefined ? null : (lanes.get(first.bot) ?? null));
  }

  #hear(exchanges: readonly LiveExchange[], whole: boolean, unseen: Unseen | null): void {
    const entries = exchanges.map(entryOf);
    // What was before this view began is no gap in it.
    if (whole) this.#ledger.renew(entries, this.#now, this.#heard ? unseen : null);
    else this.#ledger.take(entries, this.#now);
    this.#heard = true;
  }

  readonly #scrolled = (): void => {
    this.#page.changed();
  };

  #open(root: HTMLElement): Stage {
    const page = this.#page;
    return new Stage(root, {
      theme: page.theme,
      resized: page.changed,
      pointed: (x) => {
        this.#cursor = x;
        page.changed();
      },
      point: (at) => {
        this.#point(at);
      },
      open: (at) => {
        const entry = this.#entryAt(at);
        if (entry !== null) page.go(whyPath(entry));
        else this.#selected = rowAt(this.#geometry, at.y)?.row.bot ?? this.#selected;
        page.changed();
      },
      choosing: (stretch) => {
        this.#choosing = stretch;
        page.changed();
      },
      chosen: ({ from, to }) => {
        this.#show(between(this.#timeAt(from), this.#timeAt(to), this.#now));
      },
      pan: (pixels) => {
        this.#pan(-pixels / (this.#stage?.width ?? 1));
      },
      zoom: (factor, x) => {
        this.#zoom(factor, x);
      },
      live: () => {
        this.#follow();
      },
      key: (key) => this.#key(key),
    });
  }

  #point(at: Point | null): void {
    this.#pointer = at;
    this.#cursor = at?.x ?? null;
    // What was told last stays, so that its link can be reached.
    if (at !== null) this.#marked = this.#entryAt(at) ?? this.#marked;
    this.#page.changed();
  }

  #entryAt(at: Point): LaneEntry | null {
    const spot = rowAt(this.#geometry, at.y);
    const lane = spot === null ? undefined : this.#ledger.lanes.get(spot.row.bot);
    if (spot === null || lane === undefined) return null;
    const slack = (SLACK * (this.#window.until - this.#window.from)) / (this.#stage?.width ?? 1);
    return entryAt(lane, this.#timeAt(at.x), slack, spot.track, this.#now);
  }

  #timeAt(x: number): number {
    const { from, until } = this.#window;
    return from + ((until - from) * x) / (this.#stage?.width ?? 1);
  }

  #mark(entry: LaneEntry): void {
    this.#marked = entry;
    this.#page.changed();
  }

  #find(text: string): void {
    this.#filter = text;
    this.#page.replace(pathOf("lanes", {}, { bot: text }));
    this.#page.changed();
  }

  #show(window: TimeWindow): void {
    this.#window = window;
    this.#page.changed();
  }

  #pan(share: number): void {
    this.#show(panned(this.#window, share, this.#now));
  }

  #zoom(factor: number, x?: number): void {
    const middle = (this.#stage?.width ?? 1) / 2;
    this.#show(zoomed(this.#window, factor, this.#timeAt(x ?? middle), this.#now));
  }

  #follow(): void {
    this.#show(liveWindow(this.#now, Math.min(this.#window.until - this.#window.from, SPAN_FIRST)));
  }

  #key(key: string): boolean {
    switch (key) {
      case "+":
      case "=":
        this.#zoom(ZOOM);
        return true;
      case "-":
        this.#zoom(1 / ZOOM);
        return true;
      case "PageUp":
      case "PageDown":
        this.#pan(key === "PageUp" ? -PAN * 2 : PAN * 2);
        return true;
      case "End":
        this.#follow();
        return true;
      case "ArrowUp":
      case "ArrowDown":
        return this.#step(key === "ArrowUp" ? -1 : 1);
      case "ArrowLeft":
      case "ArrowRight":
        return this.#walk(key === "ArrowLeft" ? 1 : -1);
      case "Enter":
        if (this.#marked !== null) this.#page.go(whyPath(this.#marked));
        return true;
      default:
        return false;
    }
  }

  /** To another lane. */
  #step(by: 1 | -1): boolean {
    const { rows } = this.#geometry;
    const at = rows.findIndex(({ bot }) => bot === this.#lane?.bot);
    const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (row === undefined) return false;
    this.#selected = row.bot;
    this.#held = null;
    this.#marked = null;
    this.#walk(0);
    return true;
  }

  /** To the exchange before, or behind, of the same lane; the newest first. */
  #walk(by: 1 | -1 | 0): boolean {
    const lane = this.#lane;
    if (lane === null) return false;
    const entries = latest(lane, this.#window, 5_000);
    const at = entries.findIndex(
      (entry) => entry.id === this.#marked?.id && entry.proxy === this.#marked.proxy,
    );
    const entry = entries[at < 0 ? 0 : Math.min(Math.max(at + by, 0), entries.length - 1)];
    // Whoever looks at one of them wants it to stay.
    this.#window = { ...this.#window, live: false };
    if (entry !== undefined) this.#marked = entry;
    this.#page.changed();
    return true;
  }
}

function spanText(millis: number): string {
  if (millis < 1_000) return `${String(Math.round(millis))} ms`;
  const seconds = millis / 1_000;
  return seconds < 100 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

export const openLanes: OpenView = (page, place) => new LanesView(page, place);
