/** What stands around every view: navigation, whether the picture is live, what is on, and the switch of the theme. */
import type { FeedStatus } from "./live/feed.js";
import { mark } from "./parts.js";
import { plural } from "./format.js";
import { pathOf, type ViewName } from "./router.js";
import { TABS } from "./tabs.js";
import { seen } from "./text.js";
import type { Choice } from "./theme.js";
import type { Notice } from "./notices.js";
import { html, nothing, type TemplateResult } from "./vendor/lit-html.js";

export interface ShellParts {
  readonly view: ViewName | null;
  readonly content: TemplateResult;
  readonly status: FeedStatus;
  readonly version: string;
  /** Activations that act, and that only observe. */
  readonly acting: number;
  readonly observing: number;
  /** Of these, those that the fleet switched on. */
  readonly ofFleet: number;
  /** The daemon belongs to a fleet. */
  readonly hasFleet: boolean;
  readonly theme: Choice;
  readonly notices: readonly Notice[];
  readonly nextTheme: () => void;
  readonly retry: () => void;
  readonly heal: () => void;
  readonly dismiss: (notice: Notice) => void;
}

/** Of an exchange's own page, the lanes are where it belongs. */
const UNDER: Partial<Readonly<Record<ViewName, ViewName>>> = { exchange: "lanes" };

export function shell(parts: ShellParts): TemplateResult {
  const current = parts.view === null ? null : (UNDER[parts.view] ?? parts.view);
  return html`
    <a class="skip" href="#content">Skip to the view</a>
    <header class="top">
      <a class="brand" href=${pathOf("now")}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M4 11h15a4 4 0 1 0-3.7-5.5M4 17h20a4 4 0 1 1-3.7 5.5M4 23h9"></path>
        </svg>
        Squall
      </a>
      <nav aria-label="Views">
        ${TABS.filter(({ name }) => name !== "fleet" || parts.hasFleet).map(
          ({ name, label }) =>
            html`<a href=${pathOf(name)} aria-current=${name === current ? "page" : nothing}>${label}</a>`,
        )}
      </nav>
      <div class="top-end">
        ${weather(parts)} ${connection(parts.status, parts.version)} ${themeSwitch(parts)}
      </div>
    </header>
    ${parts.status.is === "lost" ? lost(parts.status, parts.retry) : nothing}
    <main id="content" tabindex="-1">${parts.content}</main>
    <div class="notices" role="status" aria-live="polite">
      ${parts.notices.map(
        (notice) =>
          html`<p class="notice notice-${notice.kind}">
            ${mark(notice.kind === "failed" ? "cut" : "fine")}<span>${seen(notice.text, 300)}</span>
            <button type="button" class="quiet" aria-label="Dismiss" @click=${() => parts.dismiss(notice)}>
              ×
            </button>
          </p>`,
      )}
    </div>
  `;
}

/** Whether anything is done to traffic just now, and the way out of it: seen from every view. */
function weather({ acting, observing, ofFleet, heal, status }: ShellParts): TemplateResult {
  if (status.is !== "live") return html``;
  if (acting + observing === 0) return html`<span class="weather">${mark("fine")} calm</span>`;
  const words = [
    ...(acting > 0 ? [`${plural(acting, "profile")} on`] : []),
    ...(observing > 0 ? [`${plural(observing, "profile")} observed`] : []),
    ...(ofFleet > 0 ? [`${ofFleet} by the fleet`] : []),
  ].join(", ");
  return html`<span class="weather weather-on">${mark(acting > 0 ? "changed" : "observed")} ${words}</span>
    <button type="button" class="small" data-do="heal-all" @click=${heal}>Heal all</button>`;
}

function connection(status: FeedStatus, version: string): TemplateResult {
  const [state, word] =
    status.is === "live"
      ? ["live", "live"]
      : status.is === "lost"
        ? ["lost", "no connection"]
        : ["wait", status.is === "paused" ? "paused" : "connecting"];
  const title = version === "" ? nothing : `squall ${seen(version, 40)}`;
  return html`<span class="connection connection-${state}" title=${title} role="status">
    <i aria-hidden="true"></i>${word}
  </span>`;
}

const THEME_WORDS: Readonly<Record<Choice, string>> = { system: "auto", light: "light", dark: "dark" };

function themeSwitch({ theme, nextTheme }: ShellParts): TemplateResult {
  return html`<button
    type="button"
    class="small quiet theme"
    title="Light, dark, or as the system has it"
    aria-label="Theme: ${THEME_WORDS[theme]}"
    @click=${nextTheme}
  >
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6"></circle>
      <path d="M8 2a6 6 0 0 1 0 12z"></path>
    </svg>
    ${THEME_WORDS[theme]}
  </button>`;
}

function lost({ why }: FeedStatus & { readonly is: "lost" }, retry: () => void): TemplateResult {
  return html`<p class="banner" role="alert">
    ${mark("cut")}
    <span>
      ${seen(why, 200)} What you see is from before; the page comes back by itself as soon as the daemon does.
    </span>
    <button type="button" class="small" @click=${retry}>Try now</button>
  </p>`;
}
