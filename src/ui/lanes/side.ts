/** Beside the lanes: the exchange that somebody points at, in words, and those of the selected lane as a list, for keys and readers. */
import { plural, timeOfDay } from "../format.js";
import { mark, name } from "../parts.js";
import { pathOf } from "../router.js";
import { seen } from "../text.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import { repeat } from "../vendor/directives/repeat.js";
import { sentenceOf } from "../why/sentence.js";
import { isLost, type LaneEntry } from "./entry.js";
import type { Lane, Ledger } from "./ledger.js";
import { clientWords, notes, serverWords } from "./told.js";

export interface SideParts {
  readonly lane: Lane;
  readonly ledger: Ledger;
  readonly marked: LaneEntry | null;
  readonly now: number;
  /** What makes the wall's clock of the daemon's. */
  readonly wall: number;
  /** What the list shows: it stands still while somebody points at it. */
  readonly entries: readonly LaneEntry[];
  readonly hold: (entries: readonly LaneEntry[] | null) => void;
  /** Somebody looks at one of the list. */
  readonly mark: (entry: LaneEntry) => void;
}

export const LISTED = 40;

export function whyPath({ proxy, id }: Pick<LaneEntry, "proxy" | "id">): string {
  return pathOf("exchange", { proxy, id });
}

export function side(parts: SideParts): TemplateResult {
  const { lane, entries, hold } = parts;
  const keep = (): void => {
    hold(entries);
  };
  const free = (): void => {
    hold(null);
  };
  return html`<aside class="lanes-side" aria-label="Exchanges of the selected bot">
    <div class="panel lanes-words" aria-live="polite">${told(parts)}</div>
    <h2>${name(lane.bot, 40)}</h2>
    <p class="soft">
      ${plural(lane.size, "exchange")}: ${lane.lost} lost, ${lane.bad} without a good end, ${lane.hit} hit.
      Newest first:
    </p>
    <ol class="lanes-list" @mouseenter=${keep} @mouseleave=${free} @focusin=${keep} @focusout=${free}>
      ${repeat(
        entries,
        ({ proxy, id }) => `${proxy}\n${id}`,
        (entry) => row(entry, parts),
      )}
    </ol>
  </aside>`;
}

function told({ marked, now, ledger }: SideParts): TemplateResult {
  if (marked === null)
    return html`<p class="soft">Point at a bar, or choose one with the keys, and it is told here.</p>`;
  return html`<p class="lanes-what">${name(marked.what, 80)}</p>
    <p>${seen(sentenceOf(marked, now), 600)}</p>
    ${noted(marked, ledger)}
    <p><a href=${whyPath(marked)}>Why?</a></p>`;
}

function row(entry: LaneEntry, { ledger, wall, mark: point }: SideParts): TemplateResult {
  const bad = entry.client.end !== null && entry.client.end !== "complete";
  const look = (): void => {
    point(entry);
  };
  return html`<li class=${isLost(entry) ? "row-lost" : bad ? "row-bad" : ""}>
    <a href=${whyPath(entry)} @mouseenter=${look} @focus=${look}>
      <time>${timeOfDay(new Date(wall + entry.from).toISOString())}</time>
      <span class="lanes-what">${name(entry.what, 48)}</span>
      <span class="sides">
        ${mark(bad ? "cut" : entry.faults.length > 0 ? "changed" : "fine")} bot:
        ${seen(clientWords(entry), 40)} · server: ${seen(serverWords(entry), 40)}
      </span>
      ${noted(entry, ledger)}
    </a>
  </li>`;
}

function noted(entry: LaneEntry, ledger: Ledger): TemplateResult | typeof nothing {
  const found = notes(entry, ledger);
  const faults = entry.faults.join(", ");
  if (found.length === 0 && faults === "") return nothing;
  return html`<span class="lanes-notes">
    ${faults === "" ? nothing : html`<span class="tag">${name(faults, 60)}</span>`}
    <b>${seen(found.join(" · "), 200)}</b>
  </span>`;
}
