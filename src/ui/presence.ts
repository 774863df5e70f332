/**
 * Whether anybody looks at this tab. One that is hidden for some seconds lets its streams go: a browser has six connections to one
 * server for all of its tabs, and the daemon reckons for whoever reads. Pure; `watch-presence.ts` asks the browser.
 */

/** `fading`: hidden, but not for long. `paused`: it has let its streams go. `left`: another page is in its place, and "back" may bring it again. */
export type Presence = "seen" | "fading" | "paused" | "left";

/** `fade`: it has been hidden for long enough. `freeze`: the browser stops its timers, and takes its connections if it likes. */
export type PresenceEvent = "show" | "hide" | "fade" | "freeze" | "leave";

type Row = Readonly<Record<PresenceEvent, Presence>>;

const TABLE: Readonly<Record<Presence, Row>> = {
  seen: { show: "seen", hide: "fading", fade: "seen", freeze: "paused", leave: "left" },
  fading: { show: "seen", hide: "fading", fade: "paused", freeze: "paused", leave: "left" },
  paused: { show: "seen", hide: "paused", fade: "paused", freeze: "paused", leave: "left" },
  left: { show: "seen", hide: "paused", fade: "left", freeze: "left", leave: "left" },
};

export function presenceAfter(now: Presence, event: PresenceEvent): Presence {
  return TABLE[now][event];
}
