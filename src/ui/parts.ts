/** Small pieces that all views show in the same way. */
import { ApiError } from "./api.js";
import type { Deed } from "./deeds.js";
import { seen } from "./text.js";
import { html, nothing, svg, type TemplateResult } from "./vendor/lit-html.js";

/** A name or another text of a client or a configuration: isolated, so that its direction is its own affair. */
export function name(text: string, max?: number): TemplateResult {
  const short = seen(text, max);
  const whole = seen(text, 500);
  return html`<bdi class="name" title=${whole === short ? nothing : whole}>${short}</bdi>`;
}

/** What is shown where there is nothing yet, or nothing at all. */
export function empty(title: string, text: string | TemplateResult): TemplateResult {
  return html`<div class="state">
    <p class="state-title">${title}</p>
    <p>${text}</p>
  </div>`;
}

export function loading(what: string): TemplateResult {
  return html`<div class="state" aria-busy="true"><p class="state-title">Loading ${what} …</p></div>`;
}

/** Why something failed, and what can be done. */
export function failed(error: unknown, again: () => void): TemplateResult {
  const known = error instanceof ApiError ? error : null;
  return html`<div class="state state-failed" role="alert">
    <p class="state-title">
      ${mark("cut")} ${seen(known?.message ?? "The page itself made a mistake.", 300)}
    </p>
    ${known !== null && known.hint !== "" ? html`<p>${seen(known.hint, 300)}</p>` : nothing}
    <button type="button" @click=${again}>Try again</button>
  </div>`;
}

/** A shape of its own for each, so that no colour is needed to tell them apart; on a square of 16. */
export const SHAPES: Readonly<Record<Deed, TemplateResult>> = {
  fine: svg`<circle cx="8" cy="8" r="4"></circle>`,
  late: svg`<circle cx="8" cy="8" r="5.5" fill="none"></circle><path d="M8 4.6V8l2.4 1.8" fill="none"></path>`,
  changed: svg`<path d="M2.5 6.2c2-2.6 4-2.6 5.5 0s3.5 2.6 5.5 0M2.5 11c2-2.6 4-2.6 5.5 0s3.5 2.6 5.5 0" fill="none"></path>`,
  cut: svg`<path d="M4 4l8 8M12 4l-8 8" fill="none"></path>`,
  down: svg`<circle cx="8" cy="8" r="5.5" fill="none"></circle><path d="M4.2 11.8l7.6-7.6" fill="none"></path>`,
  failed: svg`<path d="M8 2.5 14 13H2Z" fill="none" stroke-linejoin="round"></path><path d="M8 6.5v3"></path>`,
  observed: svg`<circle cx="8" cy="8" r="5.5" fill="none" stroke-dasharray="2.6 2.2"></circle><circle cx="8" cy="8" r="1.5"></circle>`,
};

export function mark(deed: Deed, label = ""): TemplateResult {
  return html`<svg
    class="mark deed-${deed}"
    viewBox="0 0 16 16"
    role=${label === "" ? nothing : "img"}
    aria-hidden=${label === "" ? "true" : nothing}
    aria-label=${label === "" ? nothing : label}
  >
    ${SHAPES[deed]}
  </svg>`;
}
