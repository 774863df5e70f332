/** The journal, in a real browser: it follows, stands still when somebody reads, filters as the API does, and leads to exchanges. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Stage } from "../e2e/stage.js";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { getJson } from "../support/process.js";

describe.skipIf(!hasChromium)("the journal (needs: chromium)", () => {
  let stage: Stage;
  let browser: Browser;
  let tab: Tab;

  beforeAll(async () => {
    [browser, stage] = await Promise.all([Browser.open(), Stage.open()]);
    await stage.use("lost-ack", { every: 1 });
    stage.startBots(["ada"], { wait: 100 });
    await stage.submitMany(3, { numbers: [1] });
    const hits = async (): Promise<number> => {
      const { body } = await getJson(`${stage.admin}/journal?kind=fault_hit`);
      return (body["entries"] as readonly unknown[]).length;
    };
    await stage.until(async () => (await hits()) >= 3);
    await stage.heal();
    await stage.allDone();
  });
  eachInATab(async () => (tab = await browser.tab()));
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  const mark = async (text: string): Promise<void> => {
    await getJson(`${stage.admin}/journal/marks`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
    });
  };
  const lastRow = `[...document.querySelectorAll(".entry")].at(-1)?.textContent ?? ""`;
  const marks = async (from: number, to: number): Promise<void> => {
    for (let number = from; number <= to; number++) await mark(`mark ${number}`);
  };

  it("follows as it is written, stops when somebody scrolls, says how many wait, and goes on by a click", async () => {
    await marks(1, 60);
    await tab.goto(`${stage.admin}/ui/journal?kind=mark`);
    await tab.until(`${lastRow}.includes("mark 60")`);
    await marks(61, 62);
    await tab.until(`${lastRow}.includes("mark 62")`);
    await tab.wheel(".rows", -400);
    await tab.shows('[data-do="follow"]', "Go to the newest");
    const top = `document.querySelector(".rows").scrollTop`;
    await tab.settled();
    const [before, shown] = await tab.evaluate<[number, string[]]>(
      `[${top}, [...document.querySelectorAll(".entry")].map(({ id }) => id)]`,
    );
    await marks(63, 70);
    await tab.shows('[data-do="follow"]', "8 new entries");
    expect(
      await tab.evaluate(`[${top}, [...document.querySelectorAll(".entry")].map(({ id }) => id)]`),
    ).toEqual([before, shown]);
    await tab.click('[data-do="follow"]');
    await tab.until(`${lastRow}.includes("mark 70")`);
    await marks(71, 71);
    await tab.until(`${lastRow}.includes("mark 71")`);
  });

  it("has few rows in the document, however many there are", async () => {
    await marks(100, 400);
    await tab.goto(`${stage.admin}/ui/journal?kind=mark`);
    await tab.until(`${lastRow}.includes("mark 400")`);
    expect(await tab.evaluate(`document.querySelectorAll(".entry").length`)).toBeLessThan(80);
    expect(
      await tab.evaluate(`Number(document.querySelector(".entry").getAttribute("aria-setsize"))`),
    ).toBeGreaterThan(300);
  });

  it("filters as the API does, in its address as well, and tails what passes alone", async () => {
    await tab.goto(`${stage.admin}/ui/journal`);
    await tab.shows(".entry");
    await tab.evaluate(
      `(() => { const field = document.querySelector('select[name="kind"]'); field.value = "fault_hit"; field.dispatchEvent(new Event("change")); })()`,
    );
    await tab.type('input[name="bot"]', "ada");
    await tab.key("Enter");
    await tab.until(
      `document.querySelectorAll(".entry").length >= 3 && [...document.querySelectorAll(".entry-topic")].every(({ textContent }) => textContent === "fault")`,
    );
    expect(await tab.evaluate("location.search")).toBe("?kind=fault_hit&bot=ada");
    const { body } = await getJson(`${stage.admin}/journal?kind=fault_hit&bot=ada`);
    expect(await tab.evaluate(`document.querySelectorAll(".entry").length`)).toBe(
      (body["entries"] as readonly unknown[]).length,
    );
    await tab.shows(".journal-foot code", "kind=fault_hit&bot=ada");
    await tab.type('input[name="bot"]', "nobody");
    await tab.key("Enter");
    await tab.shows(".state", "Nothing with these filters.");
    await tab.click('[data-do="clear"]');
    await tab.shows(".entry", "mark");
  });

  it("leads from a hit to its exchange", async () => {
    const { body } = await getJson(`${stage.admin}/journal?kind=fault_hit`);
    const [hit] = body["entries"] as readonly {
      readonly proxy: string;
      readonly exchange: { readonly id: number };
    }[];
    await tab.goto(`${stage.admin}/ui/journal?kind=fault_hit`);
    await tab.click(`.entry a[href="/ui/exchanges/${hit?.proxy}/${hit?.exchange.id}"]`);
    await tab.until(`location.pathname === "/ui/exchanges/${hit?.proxy}/${hit?.exchange.id}"`);
    await tab.evaluate("history.back()");
    await tab.shows(".entry");
  });

  it("is read with keys: they choose an entry, tell its fields, and open its exchange", async () => {
    await tab.goto(`${stage.admin}/ui/journal?kind=fault_hit`);
    await tab.shows(".entry");
    await tab.evaluate(`document.querySelector(".rows").focus()`);
    await tab.key("Home");
    await tab.shows(".details", "Entry");
    const first = await tab.evaluate<string>(`document.querySelector('.entry[aria-selected="true"]').id`);
    await tab.key("ArrowDown");
    await tab.until(`document.querySelector('.entry[aria-selected="true"]').id !== ${JSON.stringify(first)}`);
    expect(
      await tab.evaluate(
        `document.querySelector(".rows").getAttribute("aria-activedescendant") === document.querySelector('.entry[aria-selected="true"]').id`,
      ),
    ).toBe(true);
    expect(await tab.texts(".details dt")).toEqual(expect.arrayContaining(["seq", "kind", "bot", "fault"]));
    await tab.key("Enter");
    await tab.until(`location.pathname.startsWith("/ui/exchanges/")`);
  });

  it("takes a mark", async () => {
    await tab.goto(`${stage.admin}/ui/journal?kind=mark`);
    await tab.type('input[name="mark"]', "made on the page");
    await tab.key("Enter");
    await tab.shows(".entry", "made on the page");
  });
});
