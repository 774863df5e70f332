/** What became of a profile while somebody looked at it. */
import { expect, it } from "vitest";
import type { ProfileDetail } from "../../../src/ui/profiles/answers.js";
import { newsOf } from "../../../src/ui/profiles/news.js";

const SLOW: ProfileDetail = {
  name: "slow",
  summary: "Slow.",
  breaks: "",
  survives: "",
  tags: [],
  params: [
    { name: "by", summary: "", required: false, default: "1s" },
    { name: "path", summary: "", required: false, default: "/" },
  ],
  source: "slow.yaml",
  origin: "file",
  text: "profile: slow\nextends: [base]\n",
  explanation: ["It takes 1 s longer."],
  course: null,
};
const FILLED = new Map([
  ["by", "3s"],
  ["path", " "],
]);

it("is nothing while it is what it was", () => {
  expect(newsOf(SLOW, structuredClone(SLOW), FILLED)).toBeNull();
});

it("is nothing where the answer says besides that it is on", () => {
  const on: ProfileDetail = Object.assign(structuredClone(SLOW), { active: true });
  expect(newsOf(Object.assign(structuredClone(SLOW), { active: false }), on, FILLED)).toBeNull();
});

it("is a change also where the text is the same and does something else, by what it extends", () => {
  const now = { ...SLOW, explanation: ["It is cut off."] };
  expect(newsOf(SLOW, now, FILLED)).toEqual({ is: "changed", lost: [] });
});

it("says what was filled in for params that are there no more, and nothing of empty ones", () => {
  const now = { ...SLOW, params: [] };
  expect(newsOf(SLOW, now, FILLED)).toEqual({ is: "changed", lost: ["by"] });
});
