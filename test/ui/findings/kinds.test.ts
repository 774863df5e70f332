/** Findings by bot, and as a map. */
import { describe, expect, it } from "vitest";
import type { Finding, FindingKind } from "../../../src/live/contract.js";
import { byBot, KINDS, mapOf, wordsOf } from "../../../src/ui/findings/kinds.js";
import { FINDINGS_ANSWER } from "../../support/live-sample.js";

const [TWICE, RECOVERY] = FINDINGS_ANSWER.findings as [Finding, Finding];

describe("findings", () => {
  it("stand with the bot that they are about, flaws first, and bots with most flaws first", () => {
    const early: Finding = { ...TWICE, id: "e", kind: "early_retry", bot: "bot-2", bots: ["bot-2"] };
    const step: Finding = { ...TWICE, id: "l", kind: "lock_step", bot: "bot-2", bots: ["bot-2", "bot-10"] };
    const cards = byBot([RECOVERY, TWICE, early, step]);
    expect(cards.map(({ bot, bad, findings }) => [bot, bad, findings.map(({ kind }) => kind)])).toEqual([
      ["bot-2", 2, ["early_retry", "lock_step"]],
      ["bot-1", 1, ["carried_out_twice", "recovery"]],
      ["bot-10", 1, ["lock_step"]],
    ]);
  });

  it("are a map of bots and kinds, with a sign and a figure in each cell", () => {
    const { rows, columns } = mapOf(byBot([RECOVERY, TWICE]), (bot) => bot);
    expect(columns).toHaveLength(KINDS.length);
    expect(
      rows.map(({ name, cells }) => [name, cells.map(({ mark, figure }) => `${mark.sign} ${figure}`.trim())]),
    ).toEqual([["bot-1", ["✗ 1", "·", "·", "·", "·", "• 1 s"]]]);
    const never = mapOf(byBot([{ ...RECOVERY, level: "bad", ms: null }]), (bot) => bot);
    expect(never.rows[0]?.cells.at(-1)).toMatchObject({ figure: "not yet", link: "bot-1" });
  });

  it("of a kind that the page does not know are told all the same", () => {
    expect(wordsOf("goaway_ignored" as FindingKind).title).toBe("goaway ignored");
  });
});
