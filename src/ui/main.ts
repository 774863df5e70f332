/** The dashboard: all parts wired together, and one place where it is rendered. */
import { Api, ApiError } from "./api.js";
import { confirmed, TokenDialog } from "./dialogs.js";
import { LiveFeed } from "./live/feed.js";
import { elsewhere } from "./healing.js";
import { Navigation } from "./navigation.js";
import { Notices } from "./notices.js";
import { duration } from "./format.js";
import { empty } from "./parts.js";
import type { Presence } from "./presence.js";
import { pathOf, type Place } from "./router.js";
import { shell } from "./shell.js";
import { VIEWS } from "./tabs.js";
import { Theme } from "./theme.js";
import { Token } from "./token.js";
import { html, render, type TemplateResult } from "./vendor/lit-html.js";
import type { Page, View } from "./view.js";
import { watchPresence } from "./watch-presence.js";

const NOWHERE: View = {
  title: "No such view",
  render: () => empty("There is no such view.", html`<a href=${pathOf("now")}>What goes on now</a>`),
};

/** Milliseconds that the first picture waits for what is to be in it: drawn empty before, it would be there later. */
const FIRST_WITHIN = 150;

class Dashboard implements Page {
  readonly #root: HTMLElement;
  readonly #token = new Token(() => {
    this.#tokenChanged();
  });
  readonly #tokenDialog = new TokenDialog(this.#token);
  readonly #notices = new Notices(() => {
    this.changed();
  });
  readonly #navigation = new Navigation((place) => {
    this.#moveTo(place);
  });
  #view: View = NOWHERE;
  #viewName: Place["view"] = null;
  #due = false;
  #isBlank = true;
  #pausedAt = 0;
  #hasFleet = false;

  readonly api = new Api(this.#token);
  readonly live = new LiveFeed({
    api: this.api,
    changed: () => {
      this.changed();
    },
    restarted: () => {
      this.announce("The daemon was restarted: what is counted begins anew.");
      void this.#lookForFleet();
      this.#renewView();
    },
  });
  readonly theme = new Theme(() => {
    this.changed();
  });

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  get guarded(): boolean {
    return this.#token.value !== null;
  }

  start(): void {
    const presence = watchPresence((now, before) => {
      this.#presence(now, before);
    });
    this.#presence(presence, "left");
    setTimeout(() => {
      if (this.#isBlank) this.#render();
    }, FIRST_WITHIN);
    addEventListener("online", () => {
      if (this.live.status.is === "lost") this.live.open();
    });
  }

  #presence(now: Presence, before: Presence): void {
    if (now === "left") {
      this.#view.close?.();
      this.#view = NOWHERE;
      this.live.close();
    } else if (now === "paused") {
      this.#pausedAt = performance.now();
      this.live.pause();
      if (before === "left") this.#begin();
      this.#view.paused?.();
    } else if (now === "seen" && before !== "fading") {
      this.live.resume();
      if (before === "left") this.#begin();
      else {
        this.#view.resumed?.();
        const hidden = duration(performance.now() - this.#pausedAt);
        this.announce(`Paused for ${hidden}, while this tab was hidden.`);
      }
    }
  }

  #begin(): void {
    this.live.open();
    this.#openView();
    void this.#lookForFleet();
  }

  /** Whether the daemon belongs to one is in its file, and stays so for its life. */
  async #lookForFleet(): Promise<void> {
    try {
      const { fleet } = await this.api.json<{ fleet?: object | null }>("/status");
      this.#hasFleet = (fleet ?? null) !== null;
    } catch {
      // Without it there is one tab less.
      return;
    }
    this.changed();
  }

  readonly changed = (): void => {
    if (this.#due || (this.#isBlank && this.live.status.is === "connecting")) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#render();
    });
  };

  readonly go = (path: string): void => {
    this.#navigation.go(path);
  };

  readonly replace = (path: string): void => {
    this.#navigation.replace(path);
  };

  readonly announce = (text: string, kind: "done" | "failed" = "done"): void => {
    this.#notices.say(text, kind);
  };

  readonly confirm = confirmed;

  #moveTo(place: Place): void {
    if (place.view === this.#viewName && this.#view.moved !== undefined) this.#view.moved(place);
    else this.#openView();
    this.changed();
  }

  #openView(): void {
    this.#view.close?.();
    const { place } = this.#navigation;
    const open = place.view === null ? undefined : VIEWS[place.view];
    this.#viewName = place.view;
    this.#view = open?.(this, place) ?? NOWHERE;
    this.changed();
  }

  /** With a token that was given all is asked for again, by whoever asks. */
  #tokenChanged(): void {
    // The dialog asks for it before the stream has said that it is refused: it stands before a page, not before nothing.
    if (this.#isBlank) this.#render();
    this.#tokenDialog.update();
    if (this.#token.needed) return;
    this.live.open();
    this.#renewView();
    void this.#lookForFleet();
  }

  #renewView(): void {
    if (this.#view.renewed === undefined) this.#openView();
    else this.#view.renewed();
    this.changed();
  }

  #render(): void {
    const { store, status } = this.live;
    const active = store.active.list();
    const acting = active.filter(({ mode }) => mode === "inject").length;
    const title = `${this.#view.title} · Squall`;
    if (document.title !== title) document.title = title;
    const parts = {
      view: this.#viewName,
      content: this.#content(),
      status,
      version: store.version,
      acting,
      observing: active.length - acting,
      ofFleet: active.filter(({ fleet }) => fleet).length,
      hasFleet: this.#hasFleet,
      theme: this.theme.choice,
      notices: this.#notices.shown,
      nextTheme: () => {
        this.theme.next();
      },
      retry: () => {
        this.live.open();
      },
      heal: () => {
        void this.#healAll();
      },
      dismiss: (notice: Notices["shown"][number]) => {
        this.#notices.dismiss(notice);
      },
    };
    if (this.#isBlank) this.#root.replaceChildren();
    this.#isBlank = false;
    render(shell(parts), this.#root);
    this.#view.rendered?.();
  }

  #content(): TemplateResult {
    return this.#view.render();
  }

  async #healAll(): Promise<void> {
    const ofFleet = this.live.store.active.list().filter(({ fleet }) => fleet).length;
    try {
      const { ended, left } = await this.api.json<{ ended: number; left: string | null }>("/active", {
        method: "DELETE",
      });
      this.announce(`Healed: ${ended} ended.${elsewhere(ofFleet)}${left === null ? "" : ` ${left}`}`);
    } catch (error) {
      this.announce(error instanceof ApiError ? error.message : "That could not be done.", "failed");
    }
  }
}

const root = document.getElementById("page");
if (root !== null) new Dashboard(root).start();
