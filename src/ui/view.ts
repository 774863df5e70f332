/** What a view of the dashboard is, and what it is given to work with. */
import type { Api } from "./api.js";
import type { LiveFeed } from "./live/feed.js";
import type { Place, ViewName } from "./router.js";
import type { Theme } from "./theme.js";
import type { TemplateResult } from "./vendor/lit-html.js";

export interface View {
  /** Of the tab. */
  readonly title: string;
  /** What it shows now. Called at most once a frame, after `page.changed()`; also when the theme has changed. */
  render(): TemplateResult;
  /** After each rendering, when its elements are in the document: for canvases. */
  rendered?(): void;
  /** Another address of the same view, such as back and forward between filters. Without it the view is closed and opened anew. */
  moved?(place: Place): void;
  /** Nobody looks at the tab: it asks the daemon for nothing until `resumed`. */
  paused?(): void;
  resumed?(): void;
  /**
   * A token was given, or the daemon is another one than before: asks for all anew, and keeps what somebody has written. Without it the
   * view is closed and opened anew.
   */
  renewed?(): void;
  /** It is taken away: ends its requests, timers and listeners. */
  close?(): void;
}

export type OpenView = (page: Page, place: Place) => View;

/** A question that somebody has to say yes to before something is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button that does it says, such as `Switch on`. */
  readonly yes: string;
}

export interface Page {
  readonly api: Api;
  /** The picture of now is `live.store`; its status says whether it is kept up to date. */
  readonly live: LiveFeed;
  readonly theme: Theme;
  /** The daemon wants a token, and this page has one. */
  readonly guarded: boolean;
  /** Asks for a rendering in the next frame. */
  readonly changed: () => void;
  /** Goes to an address of the page, as a click on a link would. */
  readonly go: (path: string) => void;
  /** Writes another address of the view that is open, without opening it anew. */
  readonly replace: (path: string) => void;
  /** Says it for some seconds, to those who see and to those who listen. */
  readonly announce: (text: string, kind?: "done" | "failed") => void;
  readonly confirm: (question: Question) => Promise<boolean>;
}

/** Where a view stands in the navigation. */
export interface Tab {
  readonly name: ViewName;
  readonly label: string;
}
