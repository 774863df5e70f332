/** `squall heal --on …`: ends what is on at many daemons, each by itself. */
import { jsonLine } from "../../telemetry/entry.js";
import type { HealedView } from "../active-text.js";
import type { Io } from "../io.js";
import { askEach, countText, daemonsOf, endOf, rowsText, type OnOptions } from "./each.js";

/** `path`: of the call that heals. */
export async function healOn(
  path: string,
  options: OnOptions & { readonly json?: boolean },
  io: Io,
): Promise<void> {
  const daemons = await daemonsOf(options, io);
  const outcomes = await askEach(daemons, async (client) =>
    client.known((await client.call("DELETE", path)) as HealedView | null, "activations"),
  );
  if (options.json === true) {
    const rows = outcomes.map((one) => ({
      daemon: one.daemon.host.name,
      state: one.state === "applied" ? "healed" : one.state,
      ...(one.state === "applied" ? { answer: one.value } : { why: one.why }),
    }));
    io.out(`${jsonLine({ daemons: rows })}\n`);
  } else
    io.out(`${countText(outcomes, "healed")}\n${rowsText(outcomes, io, (view) => healedWords(view, io))}`);
  endOf(outcomes, (count) => `${count} are healed`);
}

/** What it ended, and what it left: proxies' own faults, and activations that were not meant. */
function healedWords(
  { ended = 0, removed = 0, activations, proxy_faults: own = [] }: HealedView,
  io: Io,
): string {
  const done = [
    ended === 0 ? "nothing was on" : `${ended} ${ended === 1 ? "activation" : "activations"} ended`,
    ...(removed === 0 ? [] : [`${removed} of the proxies' own faults taken away`]),
  ];
  const left = [
    ...activations.map(({ id }) => `${id} is still on`),
    ...own.map(({ proxy, fault }) => `${fault} is still set on ${proxy} itself`),
  ];
  return `${io.colours.green("healed")}: ${done.join(", ")}${left.length === 0 ? "" : `; ${left.join("; ")}`}`;
}
