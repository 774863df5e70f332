/** Journal (`/ui/journal`): what was done to whom, as it is written; it stands still as soon as somebody reads. */
import type { JournalEntry } from "../../telemetry/entry.js";
import { ApiError } from "../api.js";
import { BASE } from "../base.js";
import { copyText } from "../clipboard.js";
import { plural } from "../format.js";
import { failed, loading } from "../parts.js";
import { pathOf, type Place } from "../router.js";
import type { ServerEvent } from "../server-events.js";
import { Streaming } from "../streaming.js";
import { seen } from "../text.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { OpenView, Page, View } from "../view.js";
import { filterForm } from "./filter-form.js";
import { anyOf, curlLine, filtersOf, journalPath, type Filter, type Filters } from "./filters.js";
import { RowList } from "./row-list.js";
import { Tail } from "./tail.js";

const FIRST_MAX = 1_000;

interface JournalAnswer {
  readonly entries: readonly JournalEntry[];
  readonly last: number;
  readonly dropped: number;
  readonly last_event: string;
}

class Journal implements View {
  readonly title = "Journal";
  readonly #page: Page;
  readonly #tail = new Tail<JournalEntry>();
  readonly #stream: Streaming;
  readonly #rows: RowList;
  #filters: Filters;
  #state: "loading" | "here" | { readonly error: unknown } = "loading";
  #dropped = 0;
  /** What the stream gave last, for where it goes on. */
  #lastEvent = "";
  /** The highest number that was heard of, whether or not it passes the filters. */
  #heard = 0;
  #loading = new AbortController();
  #fetching = false;

  constructor(page: Page, place: Place) {
    this.#page = page;
    this.#filters = filtersOf(place.query);
    this.#rows = new RowList({
      page,
      tail: this.#tail,
      planeOf: (proxy) => page.live.store.proxies.get(proxy)?.plane,
    });
    this.#stream = new Streaming({
      api: page.api,
      path: () => "/events",
      headers: () => (this.#lastEvent === "" ? {} : { "last-event-id": this.#lastEvent }),
      hear: (event) => {
        this.#hear(event);
      },
      changed: page.changed,
    });
    void this.#load();
  }

  moved(place: Place): void {
    this.#filters = filtersOf(place.query);
    void this.#load();
  }

  paused(): void {
    this.#stream.pause();
  }

  /** What was written meanwhile is told again, from where the stream ended. */
  resumed(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#loading.abort();
    this.#stream.close();
    this.#rows.close();
  }

  rendered(): void {
    this.#rows.rendered();
  }

  render(): TemplateResult {
    const { store } = this.#page.live;
    return html`<div class="journal">
      <header class="journal-head">
        <h1>Journal</h1>
        ${this.#tailState()}
      </header>
      ${filterForm({
        filters: this.#filters,
        known: {
          bot: store.bots.list().map(({ id }) => id),
          proxy: store.proxies.list().map(({ id }) => id),
          profile: store.active.list().map(({ profile }) => profile),
          fault: store.proxies.list().flatMap(({ faults }) => faults.map(({ fault }) => fault)),
          type: store.proxies.list().flatMap(({ faults }) => faults.map(({ type }) => type)),
          activation: store.active.list().map(({ id }) => id),
        },
        set: (filter, value) => {
          this.#filter(filter, value);
        },
        clear: () => {
          this.#refilter({});
        },
        mark: (text) => void this.#mark(text),
      })}
      ${this.#content()}
      <footer class="journal-foot">
        <span>
          ${plural(this.#tail.entries.length, "entry", "entries")}${anyOf(this.#filters) ? " with these filters" : ""}${
            this.#dropped > 0 ? `; ${plural(this.#dropped, "older one")} left the daemon's memory` : ""
          }
        </span>
        <span class="command">
          <code>${seen(this.#curl(), 500)}</code>
          <button
            type="button"
            class="small"
            aria-label="Copy the curl line"
            @click=${() => void copyText(this.#page, this.#curl())}
          >
            Copy
          </button>
        </span>
      </footer>
    </div>`;
  }

  #content(): TemplateResult {
    if (this.#state === "loading") return loading("the journal");
    if (this.#state !== "here") return failed(this.#state.error, () => void this.#load());
    if (this.#tail.entries.length === 0 && this.#tail.waiting === 0)
      return html`<div class="state">
        <p class="state-title">
          ${anyOf(this.#filters) ? "Nothing with these filters." : "Nothing has happened yet."}
        </p>
        <p>What is done to traffic is written here as it happens.</p>
      </div>`;
    return this.#rows.render();
  }

  #tailState(): TemplateResult {
    const { following, waiting } = this.#tail;
    const { status } = this.#stream;
    if (this.#state !== "here") return html``;
    if (!following)
      return html`<button type="button" class="follow" data-do="follow" @click=${() => this.#rows.follow()}>
        ${waiting === 0 ? "Go to the newest" : `${plural(waiting, "new entry", "new entries")}: go there`} ↓
      </button>`;
    return html`<span class="soft" role="status">
      ${status.is === "live" ? "follows as it is written" : status.is === "lost" ? "is not followed: the daemon does not answer" : nothing}
    </span>`;
  }

  #curl(): string {
    return curlLine(this.#filters, { origin: location.origin + BASE, guarded: this.#page.guarded });
  }

  #filter(filter: Filter, value: string): void {
    const filters: Partial<Record<Filter, string>> = { ...this.#filters };
    if (value.trim() === "") Reflect.deleteProperty(filters, filter);
    else filters[filter] = value.trim();
    this.#refilter(filters);
  }

  #refilter(filters: Filters): void {
    this.#filters = filters;
    this.#page.replace(pathOf("journal", {}, filters));
    void this.#load();
  }

  async #load(): Promise<void> {
    this.#loading.abort();
    this.#stream.close();
    const loading = new AbortController();
    this.#loading = loading;
    this.#fetching = false;
    const { signal } = loading;
    try {
      const path = journalPath(this.#filters, { limit: FIRST_MAX });
      const answer = await this.#page.api.json<JournalAnswer>(path, { signal });
      this.#tail.follow();
      this.#tail.begin(answer.entries);
      this.#rows.begin();
      this.#dropped = answer.dropped;
      this.#lastEvent = answer.last_event;
      this.#heard = answer.last;
      this.#state = "here";
      this.#stream.open();
    } catch (error) {
      if (signal.aborted) return;
      this.#state = { error };
    }
    this.#page.changed();
  }

  #hear({ event, data, id }: ServerEvent): void {
    if (id !== "") this.#lastEvent = id;
    // Entries were lost on the way, or it is another daemon.
    if (event === "gap") {
      void this.#load();
      return;
    }
    const entry = JSON.parse(data) as JournalEntry;
    this.#heard = Math.max(this.#heard, entry.seq);
    if (anyOf(this.#filters)) void this.#fetchNew();
    else this.#tail.add([entry]);
  }

  /** What passes the filters only the daemon knows: it is asked again, one question at a time. */
  async #fetchNew(): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    const { signal } = this.#loading;
    let since = this.#tail.last;
    try {
      while (since < this.#heard) {
        const until = this.#heard;
        const path = journalPath(this.#filters, { since, limit: FIRST_MAX });
        const { entries } = await this.#page.api.json<JournalAnswer>(path, { signal });
        this.#tail.add(entries);
        // A full answer is not all; else nothing up to there is left.
        since = entries.length === FIRST_MAX ? this.#tail.last : Math.max(until, this.#tail.last);
        this.#page.changed();
      }
    } catch {
      // The stream says so, and asks again when it is back.
    }
    if (!signal.aborted) this.#fetching = false;
  }

  async #mark(text: string): Promise<void> {
    try {
      await this.#page.api.json("/journal/marks", { method: "POST", body: { text } });
      this.#page.announce("The mark is in the journal.");
    } catch (error) {
      this.#page.announce(error instanceof ApiError ? error.message : "That could not be done.", "failed");
    }
  }
}

export const openJournal: OpenView = (page, place) => new Journal(page, place);
