/** Profiles (`/ui/profiles`, `/ui/profiles/NAME`): the library by symptom, what each does, and the form that switches it on. */
import { ApiError } from "../api.js";
import { BASE } from "../base.js";
import { copyText } from "../clipboard.js";
import { plural } from "../format.js";
import { Healing } from "../healing.js";
import { card } from "../now/strip.js";
import { empty, failed, loading, name } from "../parts.js";
import { pathOf, type Place } from "../router.js";
import { seen } from "../text.js";
import { repeat } from "../vendor/directives/repeat.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { OpenView, Page, View } from "../view.js";
import type { FaultTypes, ProfileDetail, ProfileSummary } from "./answers.js";
import { drawing } from "./drawing.js";
import { form } from "./form.js";
import { mistakesOf, NO_MISTAKES, type Mistakes } from "./mistakes.js";
import { bodyOf, methodOf, type Wanted } from "./request.js";
import { search } from "./search.js";

/** Nobody should find tomorrow what was switched on today and forgotten. */
const TTL_SUGGESTED = "1m";
const BEAT_MS = 500;
const TAGS_MAX = 14;

type Loaded<What> = { readonly is: "loading" } | { readonly is: "failed"; readonly error: unknown } | What;

class Profiles implements View {
  readonly #page: Page;
  readonly #healing: Healing;
  readonly #closing = new AbortController();
  readonly #beat: ReturnType<typeof setInterval>;
  #place: Place;
  #list: Loaded<{ readonly is: "here"; readonly profiles: readonly ProfileSummary[] }> = { is: "loading" };
  #detail: Loaded<{ readonly is: "here"; readonly profile: ProfileDetail }> | null = null;
  #types: FaultTypes | null = null;
  #wanted: Wanted = blank("");
  #mistakes: Mistakes = NO_MISTAKES;
  #sending = false;

  constructor(page: Page, place: Place) {
    this.#page = page;
    this.#place = place;
    this.#healing = new Healing(page);
    this.#beat = setInterval(page.changed, BEAT_MS);
    void this.#loadList();
    void this.#loadTypes();
    this.#choose();
  }

  get title(): string {
    return this.#chosen === "" ? "Profiles" : seen(this.#chosen, 60);
  }

  moved(place: Place): void {
    const before = this.#chosen;
    this.#place = place;
    if (before !== this.#chosen) this.#choose();
  }

  close(): void {
    clearInterval(this.#beat);
    this.#closing.abort();
  }

  render(): TemplateResult {
    if (this.#list.is === "loading") return loading("the profiles");
    if (this.#list.is === "failed") return failed(this.#list.error, () => void this.#loadList());
    const { profiles } = this.#list;
    if (profiles.length === 0)
      return empty(
        "There are no profiles.",
        html`Name folders with some under <code>profiles</code> in squall.yaml.`,
      );
    return html`<div class="profiles ${this.#chosen === "" ? "" : "has-choice"}">
      ${this.#library(profiles)}
      <div class="profile-detail">${this.#shown()}</div>
    </div>`;
  }

  get #chosen(): string {
    return this.#place.params["name"] ?? "";
  }

  get #asked(): string {
    return this.#place.query["q"] ?? "";
  }

  #library(profiles: readonly ProfileSummary[]): TemplateResult {
    const found = search(profiles, this.#asked);
    const on = new Set(this.#page.live.store.active.list().map(({ profile }) => profile));
    return html`<section class="library" aria-label="Library">
      <h1>Profiles</h1>
      <label class="field">
        <span>What goes wrong?</span>
        <input
          type="search"
          name="q"
          autocomplete="off"
          placeholder="such as: answer lost, slow, certificate expired"
          .value=${this.#asked}
          @input=${(event: Event) => this.#search((event.target as HTMLInputElement).value)}
        />
      </label>
      <p class="tags" aria-label="Common tags">
        ${commonTags(profiles).map(
          (tag) =>
            html`<button
              type="button"
              class="tag"
              aria-pressed=${tag === this.#asked}
              @click=${() => this.#search(tag === this.#asked ? "" : tag)}
            >
              ${seen(tag, 24)}
            </button>`,
        )}
      </p>
      <p class="soft" role="status">${plural(found.length, "profile")}</p>
      <ul class="found">
        ${repeat(
          found,
          (profile) => profile.name,
          (profile) =>
            html`<li>
              <a
                href=${pathOf("profiles", { name: profile.name }, { q: this.#asked })}
                aria-current=${profile.name === this.#chosen ? "true" : nothing}
              >
                <strong
                  >${name(profile.name, 60)}${on.has(profile.name) ? html` <b class="tag tag-on">on</b>` : nothing}</strong
                >
                <span>${seen(profile.breaks === "" ? profile.summary : profile.breaks, 180)}</span>
              </a>
            </li>`,
        )}
      </ul>
      ${
        found.length === 0
          ? html`<p class="soft">No profile has these words. Fewer or other ones may find one.</p>`
          : nothing
      }
    </section>`;
  }

  #shown(): TemplateResult {
    if (this.#detail === null)
      return empty("Choose a profile.", "It tells what it does, when, and to whom, before you switch it on.");
    if (this.#detail.is === "loading") return loading("the profile");
    if (this.#detail.is === "failed") return failed(this.#detail.error, () => this.#choose());
    const { profile } = this.#detail;
    const { store } = this.#page.live;
    const active = store.active.list();
    const own = active.filter((one) => one.profile === profile.name);
    const now = store.now(performance.now());
    return html`<article>
      <p class="back"><a href=${pathOf("profiles", {}, { q: this.#asked })}>All profiles</a></p>
      <header>
        <h1>${name(profile.name, 80)}</h1>
        <p>${seen(profile.summary, 600)}</p>
        <dl class="told">
          ${
            profile.breaks === ""
              ? nothing
              : html`<dt>Breaks</dt>
                  <dd>${seen(profile.breaks, 600)}</dd>`
          }
          ${
            profile.survives === ""
              ? nothing
              : html`<dt>Survives</dt>
                  <dd>${seen(profile.survives, 600)}</dd>`
          }
          <dt>From</dt>
          <dd>
            ${
              profile.origin === "library"
                ? "the library that comes with Squall"
                : profile.origin === "memory"
                  ? "the API; it is gone with the daemon"
                  : html`<span class="mono">${name(profile.source, 100)}</span>`
            }
            ${profile.tags.map((tag) => html` <span class="tag">${seen(tag, 24)}</span>`)}
          </dd>
        </dl>
      </header>
      ${own.map((activation) =>
        card(activation, {
          active: own,
          more: 0,
          now,
          healing: this.#healing.under,
          heal: (one) => void this.#healing.heal(one),
          copy: (text) => void copyText(this.#page, text),
        }),
      )}
      <section class="does">
        <h2>What it does</h2>
        ${
          profile.explanation === null
            ? html`<p class="soft">It says so as soon as its params are given: see below.</p>`
            : html`<ul>
                ${profile.explanation.map((sentence) => html`<li>${seen(sentence, 800)}</li>`)}
              </ul>`
        }
        ${profile.course === null ? nothing : drawing(profile.course)}
      </section>
      ${form({
        profile,
        types: this.#types,
        wanted: this.#effective(),
        proxies: store.proxies
          .list()
          .map(({ id }) => id)
          .sort(),
        anything: active.length > own.length,
        already: own.length > 0,
        mistakes: this.#mistakes,
        sending: this.#sending,
        asked: { origin: location.origin + BASE, guarded: this.#page.guarded },
        change: (change) => {
          this.#wanted = { ...this.#wanted, ...change(this.#wanted) };
          this.#page.changed();
        },
        submit: () => void this.#activate(profile),
        copy: (text) => void copyText(this.#page, text),
      })}
      <details class="text">
        <summary>The profile as it is written</summary>
        <pre tabindex="0">${written(profile.text)}</pre>
      </details>
    </article>`;
  }

  #search(q: string): void {
    const { params } = this.#place;
    this.#place = { ...this.#place, query: { ...this.#place.query, q } };
    this.#page.replace(pathOf("profiles", params, { q }));
    this.#page.changed();
  }

  #choose(): void {
    const chosen = this.#chosen;
    this.#wanted = blank(chosen);
    this.#mistakes = NO_MISTAKES;
    this.#detail = chosen === "" ? null : { is: "loading" };
    if (chosen !== "") void this.#loadDetail(chosen);
    this.#page.changed();
  }

  async #loadList(): Promise<void> {
    this.#list = { is: "loading" };
    await this.#load(
      async () => {
        const { profiles } = await this.#get<{ profiles: readonly ProfileSummary[] }>("/profiles");
        this.#list = { is: "here", profiles };
      },
      (error) => {
        this.#list = { is: "failed", error };
      },
    );
  }

  async #loadDetail(chosen: string): Promise<void> {
    await this.#load(
      async () => {
        const profile = await this.#get<ProfileDetail>(`/profiles/${encodeURIComponent(chosen)}?format=json`);
        if (chosen === this.#chosen) this.#detail = { is: "here", profile };
      },
      (error) => {
        if (chosen === this.#chosen) this.#detail = { is: "failed", error };
      },
    );
  }

  /** Without them the form has no units, and is a form all the same. */
  async #loadTypes(): Promise<void> {
    await this.#load(
      async () => {
        this.#types = await this.#get<FaultTypes>("/fault-types");
      },
      () => undefined,
    );
  }

  #get<Answer>(path: string): Promise<Answer> {
    return this.#page.api.json<Answer>(path, { signal: this.#closing.signal });
  }

  async #load(load: () => Promise<void>, fail: (error: unknown) => void): Promise<void> {
    try {
      await load();
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      fail(error);
    }
    this.#page.changed();
  }

  async #activate(profile: ProfileDetail): Promise<void> {
    const wanted = this.#effective();
    if (this.#sending || !(await this.#sure(wanted))) return;
    this.#sending = true;
    this.#mistakes = NO_MISTAKES;
    this.#page.changed();
    try {
      await this.#page.api.json("/active", {
        method: methodOf(wanted),
        body: bodyOf(wanted, profile.params),
      });
      this.#page.announce(`${seen(profile.name, 60)} is ${wanted.observe ? "observed" : "on"}.`);
    } catch (error) {
      const params = new Set(profile.params.map((param) => param.name));
      this.#mistakes =
        error instanceof ApiError
          ? mistakesOf(error, params)
          : { fields: new Map(), others: ["That could not be done."] };
    }
    this.#sending = false;
    this.#page.changed();
    this.#showMistake();
  }

  /** Where nothing else is on there is nothing to be beside of. */
  #effective(): Wanted {
    const { beside, ...rest } = this.#wanted;
    return {
      ...rest,
      beside: beside && this.#page.live.store.active.list().some(({ profile }) => profile !== rest.profile),
    };
  }

  /** Who is about to act on everybody is asked once more. */
  async #sure({ observe, proxies, profile, ttl, beside }: Wanted): Promise<boolean> {
    const { store } = this.#page.live;
    if (observe || proxies !== null) return true;
    const bots = store.bots.list().filter(({ open }) => open > 0).length;
    const users = bots === 0 ? "nobody is connected just now" : `${plural(bots, "bot")} connected just now`;
    const end = ttl.trim() === "" ? "until somebody heals it" : `for ${seen(ttl.trim(), 20)}`;
    const others =
      !beside && store.active.list().some((one) => one.profile !== profile)
        ? " What is on already ends."
        : "";
    return this.#page.confirm({
      title: "This can hit everybody",
      text: `${seen(profile, 60)} will act on ${store.proxies.size === 1 ? "the one proxy" : `all ${store.proxies.size} proxies`} (${users}), ${end}.${others}`,
      yes: "Switch on",
    });
  }

  #showMistake(): void {
    requestAnimationFrame(() => {
      document.querySelector<HTMLElement>('.activate [aria-invalid="true"]')?.focus();
    });
  }
}

function blank(profile: string): Wanted {
  return {
    profile,
    params: new Map(),
    seed: "",
    ttl: TTL_SUGGESTED,
    proxies: null,
    observe: false,
    beside: true,
  };
}

function commonTags(profiles: readonly ProfileSummary[]): string[] {
  const counts = new Map<string, number>();
  for (const tag of profiles.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .slice(0, TAGS_MAX)
    .map(([tag]) => tag);
}

/** Line by line, since line ends are no characters to be escaped here. */
function written(text: string): string {
  return text
    .split("\n")
    .map((line) => seen(line, 2_000))
    .join("\n");
}

export const openProfiles: OpenView = (page, place) => new Profiles(page, place);
