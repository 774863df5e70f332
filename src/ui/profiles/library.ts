/** The library beside a profile: what there is for a symptom, and of thousands as many as somebody looks through. */
import { count, plural } from "../format.js";
import { name } from "../parts.js";
import { pathOf } from "../router.js";
import { seen } from "../text.js";
import { repeat } from "../vendor/directives/repeat.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { ProfileSummary } from "./answers.js";
import { search } from "./search.js";

/** Beyond these another word helps more than a longer list, and rendering it twice a second would be felt. */
export const SHOWN_MAX = 200;
const TAGS_MAX = 14;

/** What was asked for last is kept: a view is rendered far more often than somebody writes a letter. */
export class Library {
  readonly profiles: readonly ProfileSummary[];
  readonly tags: readonly string[];
  #asked = "";
  #found: readonly ProfileSummary[];

  constructor(profiles: readonly ProfileSummary[]) {
    this.profiles = profiles;
    this.tags = commonTags(profiles);
    this.#found = profiles;
  }

  found(asked: string): readonly ProfileSummary[] {
    if (asked !== this.#asked) {
      this.#asked = asked;
      this.#found = search(this.profiles, asked);
    }
    return this.#found;
  }
}

export interface LibraryParts {
  readonly library: Library;
  /** What goes wrong, as somebody wrote it. */
  readonly asked: string;
  readonly chosen: string;
  /** Names of those that are on. */
  readonly on: ReadonlySet<string>;
  readonly search: (asked: string) => void;
}

export function libraryList({ library, asked, chosen, on, search: ask }: LibraryParts): TemplateResult {
  const found = library.found(asked);
  const more = found.length - SHOWN_MAX;
  return html`<section class="library" aria-label="Library">
    <h1>Profiles</h1>
    <label class="field">
      <span>What goes wrong?</span>
      <input
        type="search"
        name="q"
        autocomplete="off"
        placeholder="such as: answer lost, slow, certificate expired"
        .value=${asked}
        @input=${(event: Event) => ask((event.target as HTMLInputElement).value)}
      />
    </label>
    <p class="tags" aria-label="Common tags">
      ${library.tags.map(
        (tag) =>
          html`<button
            type="button"
            class="tag"
            aria-pressed=${tag === asked}
            @click=${() => ask(tag === asked ? "" : tag)}
          >
            ${seen(tag, 24)}
          </button>`,
      )}
    </p>
    <p class="soft" role="status">${plural(found.length, "profile")}</p>
    <ul class="found">
      ${repeat(
        found.slice(0, SHOWN_MAX),
        (profile) => profile.name,
        (profile) =>
          html`<li>
            <a
              href=${pathOf("profiles", { name: profile.name }, { q: asked })}
              aria-current=${profile.name === chosen ? "true" : nothing}
            >
              <strong
                >${name(profile.name, 60)}${on.has(profile.name) ? html` <b class="tag tag-on">on</b>` : nothing}</strong
              >
              <span>${seen(profile.breaks === "" ? profile.summary : profile.breaks, 180)}</span>
            </a>
          </li>`,
      )}
    </ul>
    ${more > 0 ? html`<p class="soft found-more">And ${count(more)} more: another word finds fewer.</p>` : nothing}
    ${
      found.length === 0
        ? html`<p class="soft">No profile has these words. Fewer or other ones may find one.</p>`
        : nothing
    }
  </section>`;
}

function commonTags(profiles: readonly ProfileSummary[]): string[] {
  const counts = new Map<string, number>();
  for (const tag of profiles.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .slice(0, TAGS_MAX)
    .map(([tag]) => tag);
}
