/** Profiles (`/ui/profiles`, `/ui/profiles/NAME`): the library by symptom, what each does, and the form that switches it on. */
import { ApiError } from "../api.js";
import { Asking } from "../asking.js";
import { BASE } from "../base.js";
import { copyText } from "../clipboard.js";
import { plural } from "../format.js";
import { Healing } from "../healing.js";
import { card } from "../now/strip.js";
import { empty, failed, loading, mark, name } from "../parts.js";
import { pathOf, type Place } from "../router.js";
import { seen } from "../text.js";
import { html, nothing, type TemplateResult } from "../vendor/lit-html.js";
import type { OpenView, Page, View } from "../view.js";
import type { FaultTypes, ProfileDetail, ProfileSummary } from "./answers.js";
import { drawing } from "./drawing.js";
import { form } from "./form.js";
import { Library, libraryList } from "./library.js";
import { mistakesOf, NO_MISTAKES, type Mistakes } from "./mistakes.js";
import { newsOf, type News } from "./news.js";
import { bodyOf, methodOf, type Wanted } from "./request.js";

/** Nobody should find tomorrow what was switched on today and forgotten. */
const TTL_SUGGESTED = "1m";
const BEAT_MS = 500;
/** How often a profile that somebody looks at is looked at again. */
const AGAIN_MS = 5_000;

type Loaded<What> = { readonly is: "loading" } | { readonly is: "failed"; readonly error: unknown } | What;

class Profiles implements View {
  readonly #page: Page;
  readonly #healing: Healing;
  readonly #closing = new AbortController();
  readonly #beat: ReturnType<typeof setInterval>;
  #place: Place;
  #list: Loaded<{ readonly is: "here"; readonly library: Library }> = { is: "loading" };
  #detail: Loaded<{ readonly is: "here"; readonly profile: ProfileDetail }> | null = null;
  /** Of the profile that is chosen; null for none. */
  #asking: Asking | null = null;
  #news: News | null = null;
  /** It was changed, and nobody has pressed the button since. */
  #unread = false;
  #types: FaultTypes | null = null;
  #wanted: Wanted = blank("");
  #mistakes: Mistakes = NO_MISTAKES;
  #submitting = false;
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

  paused(): void {
    this.#asking?.pause();
  }

  resumed(): void {
    this.#asking?.resume();
  }

  /** What somebody has filled in stays. */
  renewed(): void {
    void this.#loadList();
    void this.#loadTypes();
    this.#asking?.now();
  }

  close(): void {
    clearInterval(this.#beat);
    this.#asking?.end();
    this.#closing.abort();
  }

  render(): TemplateResult {
    if (this.#list.is === "loading") return loading("the profiles");
    if (this.#list.is === "failed") return failed(this.#list.error, () => void this.#loadList());
    const { library } = this.#list;
    if (library.profiles.length === 0 && this.#chosen === "")
      return empty(
        "There are no profiles.",
        html`Name folders with some under <code>profiles</code> in squall.yaml.`,
      );
    return html`<div class="profiles ${this.#chosen === "" ? "" : "has-choice"}">
      ${libraryList({
        library,
        asked: this.#asked,
        chosen: this.#chosen,
        on: new Set(this.#page.live.store.active.list().map(({ profile }) => profile)),
        search: (asked) => {
          this.#search(asked);
        },
      })}
      <div class="profile-detail">${this.#shown()}</div>
    </div>`;
  }

  get #chosen(): string {
    return this.#place.params["name"] ?? "";
  }

  get #asked(): string {
    return this.#place.query["q"] ?? "";
  }

  #shown(): TemplateResult {
    if (this.#detail === null)
      return empty("Choose a profile.", "It tells what it does, when, and to whom, before you switch it on.");
    if (this.#detail.is === "loading") return loading("the profile");
    if (this.#detail.is === "failed") return failed(this.#detail.error, () => this.#asking?.now());
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
      ${this.#news === null ? nothing : newsText(this.#news)}
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
        proxiesMore: store.proxies.more,
        anything: active.length > own.length,
        already: own.length === 0 ? null : own.some(({ fleet }) => fleet) ? "fleet" : "own",
        mistakes: this.#mistakes,
        sending: this.#sending,
        asked: { origin: location.origin + BASE, guarded: this.#page.guarded },
        change: (change) => {
          this.#wanted = { ...this.#wanted, ...change(this.#wanted) };
          this.#page.changed();
        },
        submit: () => void this.#submit(profile),
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
    this.#news = null;
    this.#unread = false;
    this.#detail = chosen === "" ? null : { is: "loading" };
    this.#asking?.end();
    this.#asking = chosen === "" ? null : new Asking((signal) => this.#look(chosen, signal));
    this.#page.changed();
  }

  async #loadList(): Promise<void> {
    const { signal } = this.#closing;
    if (this.#list.is !== "here") this.#list = { is: "loading" };
    await this.#load(
      async () => {
        const { profiles } = await this.#get<{ profiles: readonly ProfileSummary[] }>("/profiles", signal);
        this.#list = { is: "here", library: new Library(profiles) };
      },
      (error) => {
        // What was there before is better than nothing.
        if (this.#list.is !== "here") this.#list = { is: "failed", error };
      },
    );
  }

  /** Again and again: it may be changed or taken away while somebody fills in its form. */
  async #look(chosen: string, signal: AbortSignal): Promise<number | null> {
    let again: number | null = AGAIN_MS;
    try {
      const profile = await this.#detailOf(chosen, signal);
      if (!signal.aborted) this.#take(profile);
    } catch (error) {
      if (signal.aborted) return null;
      again = this.#missed(error) ? null : AGAIN_MS;
    }
    this.#page.changed();
    return again;
  }

  #take(profile: ProfileDetail): void {
    const before = this.#detail?.is === "here" ? this.#detail.profile : profile;
    const news = newsOf(before, profile, this.#wanted.params);
    this.#detail = { is: "here", profile };
    if (news !== null) {
      this.#news = news;
      this.#unread = true;
      void this.#loadList();
    } else if (this.#news?.is === "gone") this.#news = null;
  }

  /** True if asking again is of no use. */
  #missed(error: unknown): boolean {
    if (this.#detail?.is !== "here") {
      this.#detail = { is: "failed", error };
      return true;
    }
    if (!(error instanceof ApiError) || error.code !== "SQ_PROFILE_NOT_FOUND") return false;
    this.#news = { is: "gone" };
    void this.#loadList();
    return true;
  }

  /** Without them the form has no units, and is a form all the same. */
  async #loadTypes(): Promise<void> {
    await this.#load(
      async () => {
        this.#types = await this.#get<FaultTypes>("/fault-types", this.#closing.signal);
      },
      () => undefined,
    );
  }

  #detailOf(profile: string, signal: AbortSignal): Promise<ProfileDetail> {
    return this.#get<ProfileDetail>(`/profiles/${encodeURIComponent(profile)}?format=json`, signal);
  }

  #get<Answer>(path: string, signal: AbortSignal): Promise<Answer> {
    return this.#page.api.json<Answer>(path, { signal });
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

  /** One after the other, however often the button is pressed. */
  async #submit(profile: ProfileDetail): Promise<void> {
    if (this.#submitting) return;
    this.#submitting = true;
    if (await this.#isAsRead(profile.name)) await this.#activate(profile);
    this.#submitting = false;
  }

  async #activate(profile: ProfileDetail): Promise<void> {
    const wanted = this.#effective();
    if (!(await this.#sure(wanted))) return;
    this.#sending = true;
    this.#news = null;
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

  /** Looks once more before anything is done: of what was changed meanwhile the first press only says so. */
  async #isAsRead(name: string): Promise<boolean> {
    let said = `${seen(name, 60)} was changed meanwhile: look at what it does now.`;
    try {
      const profile = await this.#detailOf(name, this.#closing.signal);
      if (name !== this.#chosen) return false;
      this.#take(profile);
      if (!this.#unread) return true;
      this.#unread = false;
    } catch (error) {
      // A token is asked for: one question at a time.
      if (error instanceof ApiError && error.code === "SQ_UNAUTHORIZED") return false;
      // What else is in the way the call itself will say, at its place.
      if (!this.#missed(error)) return true;
      said = `${seen(name, 60)} is there no more.`;
      this.#unread = false;
    }
    this.#page.announce(said, "failed");
    this.#page.changed();
    return false;
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
    const all = store.proxies.size + store.proxies.more;
    const bots = store.bots.list().filter(({ open }) => open > 0).length;
    const users = bots === 0 ? "nobody is connected just now" : `${plural(bots, "bot")} connected just now`;
    const end = ttl.trim() === "" ? "until somebody heals it" : `for ${seen(ttl.trim(), 20)}`;
    const others =
      !beside && store.active.list().some((one) => one.profile !== profile)
        ? " What is on already ends."
        : "";
    return this.#page.confirm({
      title: "This can hit everybody",
      text: `${seen(profile, 60)} will act on ${all === 1 ? "the one proxy" : `all ${all} proxies`} (${users}), ${end}.${others}`,
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

function newsText(news: News): TemplateResult {
  if (news.is === "gone")
    return html`<p class="panel news" role="alert">
      ${mark("cut")} This profile is there no more. What you see, and what you have filled in, is from before.
    </p>`;
  return html`<p class="panel news" role="alert">
    ${mark("changed")} This profile was changed while you looked at it. You see what it is now, and what you
    have filled in.
    ${news.lost.length === 0 ? nothing : html`It has no param ${name(news.lost.join(", "), 200)} any more.`}
  </p>`;
}

/** Line by line, since line ends are no characters to be escaped here. */
function written(text: string): string {
  return text
    .split("\n")
    .map((line) => seen(line, 2_000))
    .join("\n");
}

export const openProfiles: OpenView = (page, place) => new Profiles(page, place);
