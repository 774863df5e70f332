/** What is on: a card for each activation, with where it stands in its phases, when it ends, what it has hit, and the way out. */
import type { LiveActivation, LiveFault, LivePhase } from "../../live/contract.js";
import { DEED_WORDS, deedOf, gravest } from "../deeds.js";
import { countdown, plural } from "../format.js";
import { mark, name } from "../parts.js";
import { pathOf } from "../router.js";
import { seen } from "../text.js";
import { repeat } from "../vendor/directives/repeat.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";

const FAULTS_MAX = 4;

export interface StripParts {
  readonly active: readonly LiveActivation[];
  readonly more: number;
  /** On the daemon's clock. */
  readonly now: number;
  /** Ids of those that are being healed just now. */
  readonly healing: ReadonlySet<string>;
  readonly heal: (activation: LiveActivation) => void;
  readonly copy: (text: string) => void;
}

export function strip(parts: StripParts): TemplateResult {
  const { active, more } = parts;
  if (active.length === 0)
    return html`<section class="strip strip-empty" aria-label="Active profiles">
      ${mark("fine")}
      <p>
        Nothing is on: all traffic goes through untouched. <a href=${pathOf("profiles")}>Choose a profile</a>
      </p>
    </section>`;
  return html`<section class="strip" aria-label="Active profiles">
    ${repeat(
      active,
      ({ id }) => id,
      (activation) => card(activation, parts),
    )}
    ${more > 0 ? html`<p class="faint">And ${more} more.</p>` : nothing}
  </section>`;
}

export function card(activation: LiveActivation, { now, healing, heal, copy }: StripParts): TemplateResult {
  const { id, profile, mode, fleet, seed, proxies, phase, ends_at, started_at, hits, faults, again, params } =
    activation;
  const deed =
    mode === "observe" ? "observed" : gravest(faults.filter(({ on }) => on).map(({ type }) => deedOf(type)));
  const given = Object.entries(params).map(
    ([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return html`<article class="panel activation activation-${deed}" data-activation=${id}>
    <header class="line">
      <h2>
        ${mark(deed, DEED_WORDS[deed])}
        <a href=${pathOf("profiles", { name: profile })}
          >${name(profile === "" ? "faults of its own" : profile, 60)}</a
        >
        ${mode === "observe" ? html`<span class="tag">only observes</span>` : nothing}
        ${fleet ? html`<span class="tag">by the fleet</span>` : nothing}
      </h2>
      <span class="ends"
        >${ends_at === null ? "until healed" : html`ends in <b>${countdown(ends_at - now)}</b>`}</span
      >
      <button
        type="button"
        class="small"
        data-do="heal"
        ?disabled=${healing.has(id)}
        @click=${() => heal(activation)}
      >
        Heal<span class="visually-hidden"> ${seen(profile, 60)}</span>
      </button>
    </header>
    ${phase !== null ? phases(phase, now) : ends_at === null ? nothing : bar("Time to live", now - started_at, ends_at - started_at)}
    <p class="facts">
      <span
        >${proxies === null ? "on all proxies" : html`on ${proxies.map((one, index) => html`${index > 0 ? ", " : ""}${name(one, 40)}`)}`}</span
      >
      <span>${plural(hits, "hit")}</span>
      <span>seed <span class="mono">${seed}</span></span>
      ${given.length > 0 ? html`<span>with ${name(given.join(", "), 80)}</span>` : nothing}
    </p>
    ${
      fleet
        ? html`<p class="soft">
            Heal ends it on this daemon alone. <a href=${pathOf("fleet")}>Fleet</a> ends it on all.
          </p>`
        : nothing
    }
    ${tellings(faults)}
    <details class="again">
      <summary>Run this again</summary>
      <p class="command">
        <code>${seen(again, 1_000)}</code>
        <button type="button" class="small" @click=${() => copy(again)}>Copy</button>
      </p>
    </details>
  </article>`;
}

function phases(
  { name: title, index, count, pass, passes, began_at, ends_at }: LivePhase,
  now: number,
): TemplateResult {
  const round = passes === 1 ? "" : `, pass ${pass}${passes === null ? "" : ` of ${passes}`}`;
  return html`<div class="phases">
    <p class="line">
      <span
        >Phase <strong>${name(title, 40)}</strong>
        <span class="soft">${index + 1} of ${count}${round}</span></span
      >
      <span class="number">${ends_at === null ? "stays" : `${countdown(ends_at - now)} left`}</span>
    </p>
    <ol class="steps" aria-hidden="true">
      ${Array.from({ length: Math.min(count, 24) }, (_, step) => {
        const share =
          step < index
            ? 1
            : step > index
              ? 0
              : ends_at === null
                ? 1
                : (now - began_at) / (ends_at - began_at);
        return html`<li .style=${`--done:${percent(share)}`}></li>`;
      })}
    </ol>
  </div>`;
}

function bar(label: string, done: number, whole: number): TemplateResult {
  const share = whole > 0 ? done / whole : 1;
  return html`<div
    class="steps"
    role="progressbar"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${Math.round(100 * Math.min(1, Math.max(0, share)))}
  >
    <i .style=${`--done:${percent(share)}`}></i>
  </div>`;
}

function percent(share: number): string {
  return `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
}

/** A fault that has hit nobody is told with the reason; those that hit say how many. */
function tellings(faults: readonly LiveFault[]): TemplateResult | typeof nothing {
  if (faults.length === 0) return nothing;
  const on = faults.filter((one) => one.on);
  const told = (on.length > 0 ? on : faults).slice(0, FAULTS_MAX);
  return html`<ul class="tellings">
    ${told.map(
      ({ proxy, fault, type, text, hits }) =>
        html`<li class=${hits > 0 ? "" : "faint"}>
          ${mark(deedOf(type), DEED_WORDS[deedOf(type)])} ${name(fault, 40)} on ${name(proxy, 40)}:
          ${seen(text, 200)}
        </li>`,
    )}
    ${faults.length > told.length ? html`<li class="faint">and ${plural(faults.length - told.length, "more fault")}</li>` : nothing}
  </ul>`;
}
