/**
 * The list of entries: only those rows are in the document that are seen, and a few around them. Rows have their entry's number for a
 * key, so that one that is being read stays the same element. Arrow keys move the choice, whose fields are told below.
 */
import type { JournalEntry } from "../../telemetry/entry.js";
import { DEED_WORDS } from "../deeds.js";
import { timeOfDay } from "../format.js";
import { mark } from "../parts.js";
import { seen } from "../text.js";
import { repeat } from "../vendor/directives/repeat.js";
import { html, nothing, svg, type TemplateResult } from "../vendor/lit-html.js";
import type { Page } from "../view.js";
import { fieldsOf, rowOf, type EntryRow } from "./entry.js";
import type { Tail } from "./tail.js";

/** As in journal.css. */
const HEIGHTS = { wide: 30, narrow: 52 } as const;
const AROUND = 12;
/** So near to the end is the end. */
const END_SLACK = 6;

export interface RowListParts {
  readonly page: Page;
  readonly tail: Tail<JournalEntry>;
  readonly planeOf: (proxy: string) => "tcp" | "http" | "udp" | "dns" | undefined;
}

export class RowList {
  readonly #parts: RowListParts;
  readonly #narrow = matchMedia("(max-width: 52rem)");
  /** The number of the entry that is chosen; null for none. */
  #chosen: number | null = null;
  #top = 0;
  #height = 600;
  /** What was scrolled to by this list itself is nobody's reading. */
  #toEnd = true;
  #toChosen = false;

  constructor(parts: RowListParts) {
    this.#parts = parts;
    this.#narrow.addEventListener("change", parts.page.changed);
  }

  close(): void {
    this.#narrow.removeEventListener("change", this.#parts.page.changed);
  }

  /** Other entries than before. */
  begin(): void {
    this.#chosen = null;
    this.#toEnd = true;
  }

  follow(): void {
    this.#parts.tail.follow();
    this.#toEnd = true;
    this.#parts.page.changed();
  }

  render(): TemplateResult {
    const { entries, following } = this.#parts.tail;
    const row = this.#row;
    if (following) this.#top = Math.max(0, entries.length * row - this.#height);
    const first = Math.max(0, Math.floor(this.#top / row) - AROUND);
    const last = Math.min(entries.length, Math.ceil((this.#top + this.#height) / row) + AROUND);
    const shown = entries.slice(first, last);
    const chosen = this.#chosen === null ? undefined : entries.find(({ seq }) => seq === this.#chosen);
    return html`<div class="rows-frame ${chosen === undefined ? "" : "has-details"}">
      <div
        class="rows"
        role="listbox"
        tabindex="0"
        aria-label="Entries"
        aria-activedescendant=${chosen === undefined ? nothing : `entry-${chosen.seq}`}
        @scroll=${this.#scrolled}
        @keydown=${this.#pressed}
      >
        <div class="rows-all" .style=${`height:${entries.length * row}px`}>
          <div class="rows-shown" .style=${`transform:translateY(${first * row}px)`}>
            ${repeat(
              shown,
              ({ seq }) => seq,
              (entry, index) => this.#entry(entry, first + index + 1),
            )}
          </div>
        </div>
      </div>
      ${chosen === undefined ? nothing : this.#details(chosen)}
    </div>`;
  }

  rendered(): void {
    const list = document.querySelector(".rows");
    if (list === null) return;
    const { clientHeight } = list;
    if (clientHeight !== this.#height && clientHeight > 0) {
      this.#height = clientHeight;
      this.#parts.page.changed();
    }
    if (this.#toChosen) {
      this.#toChosen = false;
      const index = this.#parts.tail.entries.findIndex(({ seq }) => seq === this.#chosen);
      if (index >= 0) reveal(list, index * this.#row, this.#row);
    } else if (this.#toEnd || this.#parts.tail.following) {
      this.#toEnd = false;
      list.scrollTop = list.scrollHeight;
    }
  }

  get #row(): number {
    return this.#narrow.matches ? HEIGHTS.narrow : HEIGHTS.wide;
  }

  #entry(entry: JournalEntry, position: number): TemplateResult {
    const { topic, text, deed, link } = rowOf(entry, this.#parts.planeOf);
    const isChosen = entry.seq === this.#chosen;
    return html`<div
      class="entry entry-${deed}"
      id=${`entry-${entry.seq}`}
      role="option"
      aria-selected=${isChosen ? "true" : "false"}
      aria-posinset=${position}
      aria-setsize=${this.#parts.tail.entries.length}
      @click=${() => this.#choose(entry.seq)}
    >
      <time datetime=${entry.time}>${timeOfDay(entry.time)}</time>
      ${sign(deed)}
      <span class="entry-topic">${seen(topic, 24)}</span>
      <bdi class="entry-text" title=${seen(text, 500)}>${seen(text, 300)}</bdi>
      ${link === null ? nothing : html`<a href=${link} tabindex=${isChosen ? "0" : "-1"}>why</a>`}
    </div>`;
  }

  #details(entry: JournalEntry): TemplateResult {
    const { link } = rowOf(entry, this.#parts.planeOf);
    return html`<section class="panel details" aria-label="The chosen entry">
      <p class="row">
        <strong>Entry ${entry.seq}</strong>
        ${link === null ? nothing : html`<a href=${link}>Why this happened</a>`}
        <button type="button" class="small quiet" @click=${() => this.#choose(null)}>Close</button>
      </p>
      <dl>
        ${fieldsOf(entry).map(
          ([key, value]) =>
            html`<dt>${seen(key, 60)}</dt>
              <dd><bdi>${seen(value, 1_000)}</bdi></dd>`,
        )}
      </dl>
    </section>`;
  }

  #choose(seq: number | null): void {
    this.#chosen = seq;
    // What somebody looks at is to stay where it is.
    if (seq !== null) this.#parts.tail.pause();
    this.#parts.page.changed();
  }

  readonly #scrolled = (event: Event): void => {
    const { scrollTop, clientHeight, scrollHeight } = event.target as HTMLElement;
    const { tail, page } = this.#parts;
    const atEnd = scrollTop + clientHeight >= scrollHeight - END_SLACK;
    const isBack = scrollTop < this.#top;
    this.#top = scrollTop;
    if (tail.following && !atEnd && isBack) tail.pause();
    else if (!tail.following && atEnd && this.#chosen === null) this.follow();
    page.changed();
  };

  readonly #pressed = (event: KeyboardEvent): void => {
    const { entries } = this.#parts.tail;
    const page = Math.max(1, Math.floor(this.#height / this.#row) - 1);
    const now = this.#chosen === null ? entries.length : entries.findIndex(({ seq }) => seq === this.#chosen);
    const steps: Readonly<Record<string, number>> = {
      ArrowUp: now - 1,
      ArrowDown: now + 1,
      PageUp: now - page,
      PageDown: now + page,
      Home: 0,
      End: entries.length - 1,
    };
    const to = steps[event.key];
    if (event.key === "Escape") this.#choose(null);
    else if (event.key === "Enter" && this.#chosen !== null) this.#openChosen();
    else if (to === undefined) return;
    else {
      const entry = entries[Math.min(entries.length - 1, Math.max(0, to))];
      if (entry === undefined) return;
      this.#toChosen = true;
      this.#choose(entry.seq);
    }
    event.preventDefault();
  };

  #openChosen(): void {
    const entry = this.#parts.tail.entries.find(({ seq }) => seq === this.#chosen);
    const link = entry === undefined ? null : rowOf(entry, this.#parts.planeOf).link;
    if (link !== null) this.#parts.page.go(link);
  }
}

function sign(deed: EntryRow["deed"]): TemplateResult {
  if (deed === "warning")
    return html`<svg class="mark deed-cut" viewBox="0 0 16 16" role="img" aria-label="warning">
      ${svg`<path d="M8 2.5v7M8 13v.2"></path>`}
    </svg>`;
  if (deed === "note") return html`<span class="mark"></span>`;
  return mark(deed, DEED_WORDS[deed]);
}

/** Scrolls no further than it takes. */
function reveal(list: Element, top: number, height: number): void {
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + height > list.scrollTop + list.clientHeight)
    list.scrollTop = top + height - list.clientHeight;
}
