/** Tells of each change in whether anybody looks at this tab, from what the browser says. */
import { presenceAfter, type Presence, type PresenceEvent } from "./presence.js";

/** Whoever goes from tab to tab and back loses nothing. */
const FADE_MS = 5_000;

/** Calls back whenever it is another one. */
export function watchPresence(changed: (now: Presence, before: Presence) => void): Presence {
  const look = (): PresenceEvent => (document.hidden ? "hide" : "show");
  let presence: Presence = document.hidden ? "paused" : "seen";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const take = (event: PresenceEvent): void => {
    const before = presence;
    presence = presenceAfter(before, event);
    if (presence === before) return;
    clearTimeout(timer);
    if (presence === "fading")
      timer = setTimeout(() => {
        take("fade");
      }, FADE_MS);
    changed(presence, before);
  };
  const on = (target: EventTarget, name: string, event: () => PresenceEvent): void => {
    target.addEventListener(name, () => {
      take(event());
    });
  };
  on(document, "visibilitychange", look);
  on(document, "freeze", () => "freeze");
  on(document, "resume", look);
  // A browser keeps pages that were left, for "back", with their connections: after six of them it had none left for the next.
  on(window, "pagehide", () => "leave");
  on(window, "pageshow", look);
  return presence;
}
