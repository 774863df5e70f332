/**
 * A fleet on Redis or Valkey: one master, which orders. A failover may lose writes that it acknowledged, and daemons see that as an
 * engine that was rewound.
 */
import { SquallError } from "../../../core/errors.js";
import type { EngineOptions, FleetEngine } from "../../contract/engine.js";
import { parseAddress } from "../address.js";
import { assembled } from "../assembled.js";
import { RedisDaemons } from "./daemons.js";
import { redisClient } from "./dial.js";
import { RedisJournal } from "./journal.js";
import { RedisLink } from "./link.js";
import { keysOf } from "./names.js";
import { RedisPlans } from "./plans.js";

export async function open(options: EngineOptions): Promise<FleetEngine> {
  refuseWhatHasNoMeaning(options);
  const keys = keysOf(options.fleet);
  const link = new RedisLink(options, redisClient(options, keys));
  const plans = new RedisPlans(link, keys);
  const daemons = new RedisDaemons(link, keys, options.now);
  const journal = new RedisJournal(link, keys);
  return assembled({
    link,
    plans,
    daemons,
    journal,
    hint: keys.hint,
    onHeard: (hear) => link.onMessage(keys.heard, hear),
  });
}

function refuseWhatHasNoMeaning({ credentials, urls }: EngineOptions): void {
  if (credentials.file !== null)
    throw new SquallError(
      "SQ_INVALID_CONFIG",
      "fleet.credentials.file: Redis has users and passwords, and no such file",
      {
        path: "fleet.credentials.file",
      },
    );
  if (urls.every((url) => /^\d*$/u.test(parseAddress(url).path))) return;
  throw new SquallError(
    "SQ_INVALID_CONFIG",
    "fleet.engine: behind the address of a Redis is the number of its database",
    {
      path: "fleet.engine",
      hint: "redis://host:6379/2",
    },
  );
}
