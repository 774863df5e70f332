import { expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { BotRegistry } from "../../../src/mock/server/bots.js";
import type { Refusal } from "../../../src/mock/server/refusal.js";

const HOUR = 3_600_000;

function setUp() {
  const clock = new VirtualClock();
  return { clock, bots: new BotRegistry(clock, HOUR) };
}

function challenge(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    expect((error as Refusal).status).toBe(401);
    return (error as Refusal).detail.headers?.["www-authenticate"];
  }
  throw new Error("nothing was refused");
}

it("knows a bot by its token until the token expires", () => {
  const { clock, bots } = setUp();
  const { bot_id, token, expires_in } = bots.register("anna", ["wash"]);
  expect(expires_in).toBe(3600);
  clock.advance(HOUR - 1);
  expect(bots.authenticate(`Bearer ${token}`)).toEqual({ id: bot_id, name: "anna", capabilities: ["wash"] });
  clock.advance(1);
  expect(challenge(() => bots.authenticate(`Bearer ${token}`))).toBe(
    `Bearer realm="squall mock server", error="invalid_token", error_description="The token expired."`,
  );
});

it("refreshes with any token of the bot, expired or replaced, since the answer may have been lost", () => {
  const { clock, bots } = setUp();
  const { bot_id, token } = bots.register("anna", []);
  clock.advance(2 * HOUR);
  bots.refresh(bot_id, `Bearer ${token}`);
  const { token: second } = bots.refresh(bot_id, `Bearer ${token}`);
  expect(bots.authenticate(`bearer ${second}`).id).toBe(bot_id);
});

it("names no error to a client that has shown no token", () => {
  const { bots } = setUp();
  expect(challenge(() => bots.authenticate(undefined))).toBe(`Bearer realm="squall mock server"`);
});

it("takes no token that is forged, altered, somebody else's or from another server", () => {
  const { clock, bots } = setUp();
  const { bot_id, token } = bots.register("anna", []);
  const other = bots.register("ben", []);
  const stranger = new BotRegistry(clock, HOUR).register("anna", []);
  const prolonged = token.replace(/\.(\d+)\./u, ".9$1.");
  const renamed = token.replace(bot_id, other.bot_id);
  for (const wrong of ["x", "", `${token}x`, token.slice(0, -1), prolonged, renamed, stranger.token]) {
    expect(challenge(() => bots.authenticate(`Bearer ${wrong}`))).toContain("invalid_token");
    expect(challenge(() => bots.refresh(bot_id, `Bearer ${wrong}`))).toContain("invalid_token");
  }
  expect(challenge(() => bots.authenticate(`Basic ${token}`))).toContain("invalid_token");
  expect(challenge(() => bots.refresh(bot_id, `Bearer ${other.token}`))).toContain("another bot");
});
