/** Now (`/ui/`): what is on, who talks to whom, and what is done to it. */
import { copyText } from "../clipboard.js";
import { DEED_WORDS, type Deed } from "../deeds.js";
import { clockTime, count } from "../format.js";
import { Healing } from "../healing.js";
import { empty, loading, mark } from "../parts.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { OpenView, Page, View } from "../view.js";
import { list, map } from "./map.js";
import { sceneOf } from "./scene.js";
import { strip } from "./strip.js";

/** Countdowns and rates move although nothing is told. */
const BEAT_MS = 500;
const LEGEND: readonly Deed[] = ["late", "changed", "cut", "down", "observed", "failed"];

class Now implements View {
  readonly title = "Now";
  readonly #page: Page;
  readonly #beat: ReturnType<typeof setInterval>;
  readonly #narrow = matchMedia("(max-width: 52rem)");
  readonly #healing: Healing;

  constructor(page: Page) {
    this.#page = page;
    this.#healing = new Healing(page);
    this.#beat = setInterval(page.changed, BEAT_MS);
    this.#narrow.addEventListener("change", page.changed);
  }

  close(): void {
    clearInterval(this.#beat);
    this.#narrow.removeEventListener("change", this.#page.changed);
  }

  render(): TemplateResult {
    const { store, status } = this.#page.live;
    if (store.run === "") {
      return status.is === "lost"
        ? empty("The daemon does not answer.", "As soon as it does, this page shows what goes on there.")
        : status.is === "refused"
          ? empty("A token is needed.", "Without it this page shows nothing.")
          : loading("what goes on");
    }
    const now = store.now(performance.now());
    const active = store.active.list().sort((a, b) => b.started_at - a.started_at);
    return html`<div class="now ${status.is === "live" ? "" : "stale"}">
      <h1 class="visually-hidden">Now</h1>
      ${strip({
        active,
        more: store.active.more,
        now,
        healing: this.#healing.under,
        heal: (activation) => {
          void this.#healing.heal(activation);
        },
        copy: (text) => {
          void copyText(this.#page, text);
        },
      })}
      ${this.#traffic(now)}
    </div>`;
  }

  #traffic(now: number): TemplateResult {
    const { store } = this.#page.live;
    if (store.proxies.size === 0)
      return empty(
        "There are no proxies yet.",
        "Name some under proxies in squall.yaml, or create one with POST /proxies.",
      );
    const scene = sceneOf(store, now);
    return html`
      ${this.#narrow.matches ? list(scene, now) : map(scene, now)}
      ${
        scene.bots.length === 0
          ? html`<p class="soft waiting">
              Nobody has come by yet since this page looks. Point a bot at the address of a proxy, and it
              appears here.
            </p>`
          : nothing
      }
      <footer class="legend">
        <span>
          ${count(store.totals.seen)} seen since ${clockTime(new Date(store.wall(store.watchedSince)))}, when
          somebody began to watch.
        </span>
        <ul aria-label="Signs">
          ${LEGEND.map((deed) => html`<li>${mark(deed)} ${DEED_WORDS[deed]}</li>`)}
        </ul>
      </footer>
    `;
  }
}

export const openNow: OpenView = (page) => new Now(page);
