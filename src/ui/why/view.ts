/** The view Why: what happened to one exchange, why it did, and why what did not happen did not. */
import type { ExchangesAnswer, ExchangeTrace, LiveExchange, MessagePair } from "../../live/contract.js";
import { sequenceOf } from "../../drawing/sequence.js";
import { svgOf } from "../../drawing/svg.js";
import { ApiError } from "../api.js";
import { Asking } from "../asking.js";
import { BASE } from "../base.js";
import { copyText } from "../clipboard.js";
import { svgNode } from "../drawing.js";
import { duration, timeOfDay } from "../format.js";
import { entryOf } from "../lanes/entry.js";
import { empty, failed, loading, name } from "../parts.js";
import { pathOf, type Place } from "../router.js";
import { seen } from "../text.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { OpenView, Page, View } from "../view.js";
import { againLines } from "./again.js";
import { bodyOf, headRows, moreOf } from "./heads.js";
import { sentenceOf } from "./sentence.js";
import { afterwards, fromJournal, rowOf, rowsOf, triesOf } from "./tries.js";
import { verdictList } from "./verdicts.js";

/** What is under way, or may be tried again, is looked at again. */
const AGAIN_MS = 1_500;
const FRESH_MS = 60_000;
const OTHERS = 1_000;

class WhyView implements View {
  readonly #page: Page;
  readonly #proxy: string;
  readonly #id: string;
  readonly #asking: Asking;
  #trace: ExchangeTrace | null = null;
  #others: readonly LiveExchange[] = [];
  #error: unknown = null;
  #drawing: { readonly of: string; readonly node: SVGElement } | null = null;

  constructor(page: Page, { params }: Place) {
    this.#page = page;
    this.#proxy = params["proxy"] ?? "";
    this.#id = params["id"] ?? "";
    this.#asking = new Asking((signal) => this.#ask(signal));
  }

  get title(): string {
    const exchange = this.#trace?.exchange;
    return exchange === undefined || exchange === null ? "Why" : `Why: ${seen(entryOf(exchange).what, 60)}`;
  }

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
    if (this.#error instanceof ApiError && this.#error.code === "SQ_EXCHANGE_NOT_FOUND") return this.#gone();
    if (this.#error !== null)
      return failed(this.#error, () => {
        this.#asking.now();
      });
    return this.#trace === null ? loading("the trace") : this.#whole(this.#trace);
  }

  // -- what is rendered ---------------------------------------------------------------------------

  #gone(): TemplateResult {
    return empty(
      "Nothing is known of this exchange any more",
      html`Exchanges are kept while somebody looks, and those that a fault acted on stay in the journal for as
        long as it keeps them. <a href=${pathOf("lanes")}>Lanes</a> ·
        <a href=${pathOf("journal")}>Journal</a>`,
    );
  }

  #whole(trace: ExchangeTrace): TemplateResult {
    const { exchange, verdicts, missing, request, answer } = trace;
    const begin = exchange?.client_side.at ?? 0;
    return html`<article class="why">
      ${this.#head(trace)}
      ${missing === null ? nothing : html`<p class="why-missing">${seen(missing, 400)}</p>`}
      <section aria-labelledby="why-sides">
        <h2 id="why-sides">Both sides</h2>
        <figure class="sequence">${this.#sequence(trace)}</figure>
      </section>
      <section aria-labelledby="why-verdicts">
        <h2 id="why-verdicts">Who was asked, in this order</h2>
        ${verdictList(verdicts, begin)}
      </section>
      ${this.#again(trace)}
      ${request === null ? nothing : this.#message("The request", request, "as the bot sent it", "as the server got it")}
      ${answer === null ? nothing : this.#message("The answer", answer, "as the server sent it", "as the bot got it")}
      ${exchange === null ? nothing : times(exchange)} ${this.#journal(trace)}
    </article>`;
  }

  #head(trace: ExchangeTrace): TemplateResult {
    const { exchange, now } = trace;
    const entry = exchange === null ? fromJournal(trace) : entryOf(exchange);
    if (entry === null) return html`<h1>${name(`${this.#proxy} ${this.#id}`, 80)}</h1>`;
    const tries = exchange === null ? [] : triesOf(exchange, this.#others);
    const after = exchange === null ? "" : afterwards(exchange, tries);
    const wall = exchange === null ? null : trace.now_wall - now + exchange.client_side.at;
    return html`<header>
      <h1 class="why-what">${name(entry.what, 120)}</h1>
      <p class="why-sentence">
        ${seen(sentenceOf(entry, now), 900)}${after === "" ? nothing : html` <b>${seen(after, 300)}</b>`}
      </p>
      <p class="soft">
        ${name(entry.bot, 60)} at ${name(entry.proxy, 60)}, exchange
        ${seen(entry.id, 20)}${wall === null ? nothing : html`, ${timeOfDay(new Date(wall).toISOString())}`} ·
        <a href=${pathOf("lanes", {}, { bot: entry.bot })}>its lane</a> ·
        <a href=${pathOf("journal", {}, { bot: entry.bot })}>its bot in the journal</a>
      </p>
    </header>`;
  }

  /** Made anew only when what it shows has changed. */
  #sequence(trace: ExchangeTrace): SVGElement | typeof nothing {
    const { exchange, now } = trace;
    const known = exchange === null ? fromJournal(trace) : null;
    const rows =
      exchange === null
        ? known === null
          ? []
          : [rowOf(known, 0, now)]
        : rowsOf(triesOf(exchange, this.#others), now);
    if (rows.length === 0) return nothing;
    const of = JSON.stringify(rows);
    if (this.#drawing?.of !== of) this.#drawing = { of, node: svgNode(svgOf(sequenceOf(rows))) };
    return this.#drawing.node;
  }

  #again({ again }: ExchangeTrace): TemplateResult | typeof nothing {
    const lines = againLines(again, this.#page.live.store.active.list(), location.origin + BASE);
    if (lines.length === 0) return nothing;
    return html`<section aria-labelledby="why-again">
      <h2 id="why-again">Repeat this run</h2>
      <p class="soft">
        With the same seed the same draws fall: the same exchange of the same bot is hit again.
      </p>
      ${lines.map(
        ({ label, text }) =>
          html`<div class="again">
            <span class="tag">${label}</span> <code>${seen(text, 2_000)}</code>
            <button type="button" class="small" @click=${() => void copyText(this.#page, text)}>Copy</button>
          </div>`,
      )}
    </section>`;
  }

  #message(title: string, pair: MessagePair, came: string, left: string): TemplateResult {
    const rows = headRows(pair);
    const isBoth = !pair.same && pair.in !== null && pair.out !== null;
    const note =
      pair.in === null
        ? "It did not come from there: Squall made it."
        : pair.out === null
          ? "It never left Squall."
          : pair.same
            ? "It was passed on as it came."
            : `Changed: ${pair.changed.map((one) => (one === "line" ? "the first line" : one)).join(", ")}.`;
    return html`<section>
      <h2>${title}</h2>
      <p class="soft">${seen(note, 300)}</p>
      ${
        rows.length === 0
          ? nothing
          : html`<div class="scroll">
              <table class="heads">
                <thead>
                  <tr>
                    <th scope="col">field</th>
                    ${
                      isBoth
                        ? html`<th scope="col">${came}</th>
                            <th scope="col">${left}</th>`
                        : html`<th scope="col">${pair.in === null ? left : came}</th>`
                    }
                  </tr>
                </thead>
                <tbody>
                  ${rows.map(
                    ({ name: field, came: before, left: after, change }) =>
                      html`<tr class="head-${isBoth ? change : "same"}">
                        <th scope="row">${field === "" ? html`<i>first line</i>` : name(field, 60)}</th>
                        <td>
                          ${(isBoth ? before : (before ?? after)) === null ? html`<i>not there</i>` : name((isBoth ? before : (before ?? after)) ?? "", 400)}
                        </td>
                        ${isBoth ? html`<td>${after === null ? html`<i>taken out</i>` : name(after, 400)}</td>` : nothing}
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
      }
      ${moreOf(pair) > 0 ? html`<p class="soft">${moreOf(pair)} more fields are not shown.</p>` : nothing}
      ${body(pair)}
    </section>`;
  }

  #journal({ journal }: ExchangeTrace): TemplateResult | typeof nothing {
    if (journal.length === 0) return nothing;
    return html`<details>
      <summary>In the journal (${journal.length})</summary>
      <pre>${journal.map((line) => `${seen(JSON.stringify(line), 2_000)}\n`)}</pre>
    </details>`;
  }

  // -- what is asked ------------------------------------------------------------------------------

  async #ask(signal: AbortSignal): Promise<number | null> {
    let again: number | null = null;
    try {
      const path = `/exchanges/${encodeURIComponent(this.#proxy)}/${encodeURIComponent(this.#id)}`;
      const trace = await this.#page.api.json<ExchangeTrace>(path, { signal });
      this.#trace = trace;
      this.#error = null;
      this.#page.changed();
      again = await this.#askForOthers(trace, signal);
    } catch (error) {
      this.#error = error;
    }
    if (!signal.aborted) this.#page.changed();
    return again;
  }

  /** Others of the same bot, of which some may be tries of the same; and when to ask again, if there may be more to see. */
  async #askForOthers({ exchange, now }: ExchangeTrace, signal: AbortSignal): Promise<number | null> {
    if (exchange === null) return null;
    const query = new URLSearchParams({ bot: exchange.bot, proxy: exchange.proxy, limit: String(OTHERS) });
    const { exchanges } = await this.#page.api.json<ExchangesAnswer>(`/exchanges?${query.toString()}`, {
      signal,
    });
    this.#others = exchanges;
    const { over, end } = exchange.client_side;
    const mayBeTried =
      end !== "complete" &&
      now - (over ?? now) < FRESH_MS &&
      !exchanges.some(({ again }) => again === exchange.id);
    return exchange.pending || mayBeTried ? AGAIN_MS : null;
  }
}

function body({ in: came, out: left }: MessagePair): TemplateResult | typeof nothing {
  const shown = bodyOf(left) ?? bodyOf(came);
  if (shown === null) return nothing;
  const note = shown.whole ? "" : `, of which the beginning is shown`;
  if (shown.coding !== null)
    return html`<p class="soft">Its body, ${shown.bytes} bytes, is no text: ${seen(shown.coding, 40)}.</p>`;
  return html`<p class="soft">Its body, ${shown.bytes} bytes${note}:</p>
    <pre>${[...shown.text.split("\n")].map((line) => `${seen(line, 400)}\n`)}</pre>`;
}

/** When what happened on either side, from the head of the request. */
function times({ client_side: client, upstream_side: upstream }: LiveExchange): TemplateResult {
  const rows: readonly (readonly [string, number | null])[] = [
    ["the bot had sent all of its request", client.last],
    ["Squall dialled the server", upstream?.dialled ?? null],
    ["the server's connection stood", upstream?.connected ?? null],
    ["the request went on to the server", upstream?.forwarded ?? null],
    ["all of it had gone", upstream?.sent ?? null],
    ["the server began to answer", upstream?.answered ?? null],
    ["the server was done", upstream?.over ?? null],
    ["the bot got the first of its answer", client.answer_first],
    ["the bot got the last of it", client.answer_last],
    ["it was over for the bot", client.over],
  ];
  const known = rows
    .flatMap(([what, at]) => (at === null ? [] : [{ what, at: at - client.at }]))
    .sort((one, other) => one.at - other.at);
  return html`<section aria-labelledby="why-times">
    <h2 id="why-times">Times</h2>
    <table class="times">
      <tbody>
        ${known.map(
          ({ what, at }) =>
            html`<tr>
              <td class="number">${at < 0 ? `${duration(-at)} before` : duration(at)}</td>
              <td>${what}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

export const openWhy: OpenView = (page, place) => new WhyView(page, place);
