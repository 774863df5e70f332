/** `squall status --on …`: what is on at many daemons, a row each, and whether it is the same at all of them. */
import { jsonLine } from "../../telemetry/entry.js";
import type { ActiveView } from "../active-text.js";
import type { Io } from "../io.js";
import type { StatusView } from "../status-view.js";
import { askEach, countText, daemonsOf, endOf, rowsText, type OnOptions } from "./each.js";

interface Seen {
  readonly status: StatusView;
  readonly active: ActiveView;
}

export async function statusOn(options: OnOptions & { readonly json?: boolean }, io: Io): Promise<void> {
  const daemons = await daemonsOf(options, io);
  const outcomes = await askEach(daemons, async (client): Promise<Seen> => {
    const status = client.known((await client.call("GET", "/status")) as StatusView | null, "proxies");
    const active = client.known((await client.call("GET", "/active")) as ActiveView | null, "activations");
    return { status, active };
  });
  if (options.json === true) {
    const rows = outcomes.map((one) => ({
      daemon: one.daemon.host.name,
      state: one.state === "applied" ? "answered" : one.state,
      ...(one.state === "applied" ? one.value : { why: one.why }),
    }));
    io.out(`${jsonLine({ daemons: rows })}\n`);
  } else {
    const plans = new Set(
      outcomes.flatMap((one) => (one.state === "applied" ? [planText(one.value.active)] : [])),
    );
    const [only = "nothing"] = plans;
    const together =
      plans.size > 1 ? `${plans.size} different plans` : `the same on all that answered: ${only}`;
    io.out(
      `${countText(outcomes, "answered")}; ${together}\n${rowsText(outcomes, io, (seen) => seenText(seen, io))}`,
    );
  }
  endOf(outcomes, (count) => `${count} answered`);
}

/** The same text for daemons at which a bot meets the same faults, as far as their proxies have the same names. */
function planText({ activations, proxy_faults: own = [] }: ActiveView, withEnd = false): string {
  const parts = [
    ...activations.map(({ id, seed, mode, remaining }) => {
      const observing = mode === "observe" ? ", only observing" : "";
      const ends = withEnd && remaining !== null ? `, ends in ${remaining}` : "";
      return `${id} (seed ${seed}${observing}${ends})`;
    }),
    ...own.map(({ proxy, fault }) => `${fault} set on ${proxy} itself`),
  ];
  return parts.length === 0 ? "nothing is on" : parts.join(", ");
}

function seenText({ status, active }: Seen, io: Io): string {
  const { proxies } = status;
  const open = proxies.reduce((sum, { connections }) => sum + connections.active, 0);
  const shut = proxies
    .filter(({ state }) => state !== "listening")
    .map(({ name, state }) => `, ${name} is ${state}`);
  const count = `${proxies.length} ${proxies.length === 1 ? "proxy" : "proxies"}`;
  const reload = status.last_reload?.ok === false ? ", the last reload was refused" : "";
  return `${io.colours.bold(planText(active, true))}; ${count}, ${open} ${open === 1 ? "connection" : "connections"}${shut.join("")}${reload}, version ${status.version}`;
}
