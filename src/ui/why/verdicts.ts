/** The trace of an exchange: each fault that was in force, whether it was asked, what was drawn, and what it did. */
import type { LiveAct, Outcome, Verdict } from "../../live/contract.js";
import { duration } from "../format.js";
import { mark, name } from "../parts.js";
import { seen } from "../text.js";
import { html, nothing, svg, type TemplateResult } from "../vendor/lit-html.js";

const WORDS: Readonly<Record<Outcome, string>> = {
  hit: "hit",
  spared: "spared",
  no_match: "does not match",
  excepted: "excepted",
  not_due: "not its turn",
  not_drawn: "not drawn",
  spent: "used up",
  not_asked: "not asked",
  not_in_force: "not in force",
  kernel: "by the kernel",
  unknown: "not known",
};

export function verdictList(verdicts: readonly Verdict[], begin: number): TemplateResult {
  if (verdicts.length === 0)
    return html`<p class="soft">No fault was in force on this proxy, so nobody was asked.</p>`;
  return html`<ol class="verdicts">
    ${verdicts.map((verdict) => item(verdict, begin))}
  </ol>`;
}

function item(verdict: Verdict, begin: number): TemplateResult {
  const { outcome, fault, type, profile, phase, activation, observe, at, text, acts, draw, recomputed } =
    verdict;
  const acted = outcome === "hit" && !observe;
  return html`<li class="verdict verdict-${acted ? "hit" : "not"}">
    <p class="verdict-head">
      ${mark(acted ? "cut" : outcome === "hit" ? "observed" : "fine")}
      <b>${name(fault, 60)}</b>
      <span class="tag">${WORDS[outcome]}</span>
      <span class="soft">
        ${seen(type, 40)}, of
        ${name(profile === "" ? activation : profile, 60)}${phase === "" ? nothing : html`, phase ${name(phase, 40)}`}${
          observe ? ", only observing" : nothing
        }${at === null ? nothing : html`, asked ${offset(at - begin)}`}
      </span>
    </p>
    <p>
      ${seen(text, 400)}${recomputed ? html` <span class="soft">(worked out afterwards)</span>` : nothing}
    </p>
    ${facts(verdict)} ${draw === null ? nothing : drawn(draw)}
    ${
      acts.length === 0
        ? nothing
        : html`<ul class="acts">
            ${acts.map((act) => deed(act, begin))}
          </ul>`
    }
    ${acted && acts.length === 0 ? html`<p class="soft">It was to act, and has not.</p>` : nothing}
  </li>`;
}

/** What decided, as a pair of what was wanted and what was there. */
function facts({ match, when }: Verdict): TemplateResult | typeof nothing {
  if (match !== null) {
    const wanted = match.wanted.map((one) => seen(one, 80)).join(" or ");
    return html`<dl class="reason">
      <dt>${seen(match.key, 40)} wanted</dt>
      <dd>${wanted}</dd>
      <dt>was</dt>
      <dd>${match.actual === null ? "not there" : seen(match.actual, 120)}</dd>
    </dl>`;
  }
  if (when === null) return nothing;
  const wanted = typeof when.wanted === "number" ? String(when.wanted) : when.wanted.join(", ");
  return html`<dl class="reason">
    <dt>${when.rule}</dt>
    <dd>${wanted}${when.per.length === 0 ? nothing : html`, for each ${when.per.join(" and ")}`}</dd>
    <dt>this was number</dt>
    <dd>${when.was}</dd>
  </dl>`;
}

/** From 0 to 1: what is left of the mark is hit. The text says it as well. */
function drawn({ probability, drawn: number }: NonNullable<Verdict["draw"]>): TemplateResult {
  const said = `drawn ${figure(number)}, ${number < probability ? "below" : "not below"} ${figure(probability)}`;
  return html`<p class="draw">
    0
    <svg viewBox="0 0 204 12" role="img" aria-label=${said}>
      ${svg`<rect class="draw-all" x="2" y="4" width="200" height="4"></rect><rect class="draw-hit" x="2" y="4" width=${200 * probability} height="4"></rect><path d="M${2 + 200 * number} 1v10"></path>`}
    </svg>
    1
  </p>`;
}

function deed({ effect, amount, at, detail, observed }: LiveAct, begin: number): TemplateResult {
  const words = Object.entries(detail ?? {}).map(([key, value]) => `${key} ${String(value)}`);
  return html`<li>
    ${observed ? "would have " : nothing}<b>${seen(effect.replaceAll("_", " "), 40)}</b>${amount === 1 ? nothing : html` ${amount}`}
    ${offset(at - begin)}${words.length === 0 ? nothing : html` <span class="soft">(${seen(words.join(", "), 200)})</span>`}
  </li>`;
}

function offset(millis: number): string {
  return millis < 0.05 ? "at once" : `after ${duration(millis)}`;
}

function figure(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}
