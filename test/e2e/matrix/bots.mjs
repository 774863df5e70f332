/**
 * Several bots in one process, with times that fit a test. Prints what happens to them as lines of JSON; a bot that
 * ends by an error says so with `died`, and the others go on. Takes its options as JSON:
 *
 *     { server, names, concurrency, flaws, wait, requestTimeout, workTime, backOff, seed, dns, tls }
 */
import { Resolver } from "node:dns";
import { LANE, Random, drawKey } from "../../../dist/core/random.js";
import { runBot } from "../../../dist/mock/bot/bot.js";

const { names, flaws, seed, dns, ...options } = JSON.parse(process.argv[2] ?? "{}");

/** Asks that name server anew for each connection, as bots in containers ask the one of their resolv.conf. */
function lookupAt(server) {
  const resolver = new Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([server]);
  return (name, { all }, callback) => {
    resolver.resolve4(name, (error, addresses) => {
      if (error) callback(error);
      else if (all)
        callback(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        );
      else callback(null, addresses[0], 4);
    });
  };
}

function say(bot, event) {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), bot, ...event })}\n`);
}

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
process.stdout.on("error", () => process.exit(0));

for (const name of names) {
  const drawn = { seed, activation: "", phase: "", pass: 0, fault: "", proxy: "", bot: name };
  const luck = new Random(drawKey(drawn), 0, LANE.subject);
  runBot({
    ...options,
    name,
    flaws: new Set(flaws),
    ...(dns === undefined ? {} : { lookup: lookupAt(dns) }),
    random: () => luck.unit(),
    signal: stop.signal,
    report: (event) => say(name, event),
  }).catch((error) => say(name, { event: "died", why: String(error?.message ?? error) }));
}
