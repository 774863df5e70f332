/** Contenders set up side by side in front of one server. */

/**
 * An entry is `{ name, contender, faults, toxics, ... }`; its lane has besides `port`, `pid` and what else the contender
 * tells of itself. One that is not here has `missing`, one that does not start `failed`. Entries of one contender that
 * differ only in what is asked of them share its process.
 */
export async function openLanes(lab, entries, upstreamPort) {
  const running = new Map();
  const start = ({ contender, faults, toxics }) => {
    const key = JSON.stringify([contender.name, faults, toxics]);
    if (!running.has(key)) running.set(key, lab.use(contender.start({ lab, upstreamPort, faults, toxics })));
    return running.get(key);
  };
  const lanes = [];
  for (const entry of entries) {
    const { name, contender } = entry;
    if (contender.missing !== null) {
      lanes.push({ ...entry, missing: contender.missing });
      continue;
    }
    try {
      const { stop: _, ask: __, ...relay } = await start(entry);
      lanes.push({ ...entry, ...relay, name });
    } catch (error) {
      lab.log(`  ${name} failed: ${error.message}`);
      lanes.push({ ...entry, failed: error.message });
    }
  }
  return lanes;
}

/** Contenders as they are. */
export function plain(contenders) {
  return contenders.map((contender) => ({ name: contender.name, contender }));
}

/** Time that a load takes to get going before it counts, in seconds. */
export function settleOf(seconds) {
  return Math.min(0.2, seconds / 2);
}
