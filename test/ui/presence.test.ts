/** Whether anybody looks at the tab: each state and each event, and what is not known when a stream begins again. */
import { describe, expect, it } from "vitest";
import { presenceAfter, type Presence, type PresenceEvent } from "../../src/ui/presence.js";
import { unseenBetween } from "../../src/ui/live/unseen.js";
import { LIVE_STATE } from "../support/live-sample.js";

const EVENTS: readonly PresenceEvent[] = ["show", "hide", "fade", "freeze", "leave"];

describe("a tab", () => {
  it.each<[Presence, readonly Presence[]]>([
    // show, hide, fade, freeze, leave
    ["seen", ["seen", "fading", "seen", "paused", "left"]],
    ["fading", ["seen", "fading", "paused", "paused", "left"]],
    ["paused", ["seen", "paused", "paused", "paused", "left"]],
    ["left", ["seen", "paused", "left", "left", "left"]],
  ])("that is %s is what comes of each event", (now, after) => {
    expect(EVENTS.map((event) => presenceAfter(now, event))).toEqual(after);
  });

  it.each<[string, readonly PresenceEvent[], readonly Presence[]]>([
    ["looked away from for a moment", ["hide", "show", "fade"], ["fading", "seen", "seen"]],
    ["looked away from for long", ["hide", "fade", "show"], ["fading", "paused", "seen"]],
    [
      "frozen and thawed behind another",
      ["hide", "freeze", "hide", "show"],
      ["fading", "paused", "paused", "seen"],
    ],
    ["left and come back to", ["leave", "show"], ["left", "seen"]],
    [
      "left, and brought back behind another",
      ["hide", "leave", "hide", "show"],
      ["fading", "left", "paused", "seen"],
    ],
  ])("that is %s goes through these", (_, events, path) => {
    let now: Presence = "seen";
    expect(events.map((event) => (now = presenceAfter(now, event)))).toEqual(path);
  });
});

describe("what nobody saw", () => {
  const { run, now } = LIVE_STATE;

  it.each([
    [
      "from when the reader left to when somebody watched again",
      1_000,
      now - 10,
      { from: 1_000, until: now - 10 },
    ],
    ["nothing while others had the daemon watch", 1_000, 900, null],
    ["up to now where no exchanges are told", 1_000, undefined, { from: 1_000, until: now }],
    ["nothing where the stream went on", now, undefined, null],
  ])("is %s", (_, until, since, unseen) => {
    const { exchanges_since: _none, ...state } = LIVE_STATE;
    expect(
      unseenBetween({ run, until }, since === undefined ? state : { ...state, exchanges_since: since }),
    ).toEqual(unseen);
  });

  it("is not told across a restart of the daemon, whose clock is another, nor before the first picture", () => {
    for (const other of ["another", ""])
      expect(unseenBetween({ run: other, until: 1 }, LIVE_STATE)).toBeNull();
  });
});
