/** The view Findings: what the exchanges say of the bots themselves, a card for each. */
import type { Finding, FindingsAnswer } from "../../live/contract.js";
import { legendOf, type HeatMap } from "../../drawing/heat-map.js";
import { Asking } from "../asking.js";
import { duration, plural } from "../format.js";
import { whyPath } from "../lanes/side.js";
import { failed, loading, mark, name } from "../parts.js";
import { pathOf } from "../router.js";
import { seen } from "../text.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { OpenView, Page, View } from "../view.js";
import { byBot, KINDS, mapOf, MARKS, TONES, wordsOf, type BotFindings } from "./kinds.js";

const AGAIN_MS = 2_000;

class FindingsView implements View {
  readonly title = "Findings";
  readonly #page: Page;
  readonly #asking: Asking;
  #answer: FindingsAnswer | null = null;
  #error: unknown = null;

  constructor(page: Page) {
    this.#page = page;
    this.#asking = new Asking((signal) => this.#ask(signal));
  }

  /** Each call has the daemon watch for 30 s more. */
  paused(): void {
    this.#asking.pause();
  }

  resumed(): void {
    this.#asking.resume();
  }

  close(): void {
    this.#asking.end();
  }

  render(): TemplateResult {
    if (this.#error !== null && this.#answer === null)
      return failed(this.#error, () => {
        this.#asking.now();
      });
    return this.#answer === null ? loading("findings") : this.#whole(this.#answer);
  }

  #whole({ findings, exchanges, from, now }: FindingsAnswer): TemplateResult {
    const bots = byBot(findings);
    return html`<section class="findings" aria-labelledby="findings-title">
      <h1 id="findings-title">Findings</h1>
      <p class="soft">
        What ${plural(exchanges, "exchange")} of the last ${duration(Math.max(0, now - from))} say of the bots
        that made them. Bots are looked at for as long as this page, or the lanes, are open.
      </p>
      ${bots.length === 0 ? nothingFound() : html`${this.#map(mapOf(bots, cardOf))} ${bots.map((bot) => this.#card(bot))}`}
    </section>`;
  }

  #map(map: HeatMap): TemplateResult {
    return html`<div class="scroll">
        <table class="heat">
          <thead>
            <tr>
              <th scope="col">${map.corner}</th>
              ${map.columns.map(({ name: column, about }) => html`<th scope="col" title=${about}>${column}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${map.rows.map(
              (row) =>
                html`<tr>
                  <th scope="row">${name(row.name, 40)}</th>
                  ${row.cells.map(
                    ({ mark: { sign, tone }, figure, said, more, link }) =>
                      html`<td class=${TONES[tone]} title=${more === "" ? nothing : seen(more, 500)}>
                        ${link === null ? sign : html`<button type="button" class="quiet" @click=${() => showCard(link)}>${sign} ${figure}</button>`}<span
                          class="visually-hidden"
                        >
                          ${said}</span
                        >
                      </td>`,
                  )}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <p class="soft heat-legend">
        ${legendOf([map], MARKS).map(({ sign, about }) => html`<span><b>${sign}</b> ${about}</span>`)}
      </p>`;
  }

  #card({ bot, bad, findings }: BotFindings): TemplateResult {
    return html`<article
      class="panel finding-card"
      id=${cardOf(bot)}
      tabindex="-1"
      aria-label="Findings about one bot"
    >
      <h2>
        ${name(bot, 60)}
        <small class=${bad > 0 ? "deed-cut" : "soft"}>${bad > 0 ? plural(bad, "flaw") : "no flaw"}</small>
        <a class="finding-lane" href=${pathOf("lanes", {}, { bot })}>its lane</a>
      </h2>
      <ul>
        ${findings.map((finding) => this.#finding(finding))}
      </ul>
    </article>`;
  }

  #finding({ kind, level, text, times, ms, route, exchanges, bots }: Finding): TemplateResult {
    const { title } = wordsOf(kind);
    return html`<li class="finding finding-${level}" data-kind=${kind}>
      <p>
        ${mark(level === "bad" ? "cut" : "fine")}
        <b>${title}</b>${times > 1 ? html` <span class="tag">${plural(times, "time")}</span>` : nothing}${
          ms === null ? nothing : html` <span class="tag">${duration(ms)}</span>`
        }
      </p>
      <p>${seen(text, 500)}</p>
      <p class="soft">
        ${route === null ? nothing : html`${name(route, 100)} · `}${
          bots.length > 1 ? html`${plural(bots.length, "bot")}: ${seen(bots.join(", "), 200)} · ` : nothing
        }${
          exchanges.length === 0
            ? nothing
            : html`seen in
              ${exchanges.map(
                (exchange, index) =>
                  html`${index > 0 ? ", " : nothing}<a href=${whyPath(exchange)}
                      >${seen(`${exchange.proxy} ${exchange.id}`, 60)}</a
                    >`,
              )}`
        }
      </p>
    </li>`;
  }

  async #ask(signal: AbortSignal): Promise<number> {
    try {
      this.#answer = await this.#page.api.json<FindingsAnswer>("/findings", { signal });
      this.#error = null;
    } catch (error) {
      this.#error = error;
    }
    if (!signal.aborted) this.#page.changed();
    return AGAIN_MS;
  }
}

/** Of the card of a bot, whatever its name. */
function cardOf(bot: string): string {
  return `card-${encodeURIComponent(bot)}`;
}

function showCard(id: string): void {
  const card = document.getElementById(id);
  card?.scrollIntoView({ block: "start" });
  card?.focus({ preventScroll: true });
}

function nothingFound(): TemplateResult {
  return html`<div class="panel findings-none">
    <h2>Nothing was found as yet</h2>
    <p>
      That is no praise: most flaws show only while faults act. Switch a profile on, such as
      <code>lost-ack</code> or <code>rate-limit</code>, and let the bots work. This is what is looked for:
    </p>
    <dl>
      ${KINDS.map(
        ({ title, about }) =>
          html`<dt>${title}</dt>
            <dd>${about}</dd>`,
      )}
    </dl>
  </div>`;
}

export const openFindings: OpenView = (page) => new FindingsView(page);
