/** The other end of lib/processes.mjs, in a process of its own. */

// Whoever started it has gone: so has the reason to run.
process.on("disconnect", () => process.exit());
process.on("SIGTERM", () => process.exit());
process.on("SIGINT", () => undefined);

export function ready(info = {}) {
  process.send({ ready: info });
}

/** Answers each question by the handler of its name. `info` is told as soon as it is ready. */
export function answer(handlers, info) {
  process.on("message", async ({ id, do: what, ...parameters }) => {
    try {
      process.send({ id, result: (await handlers[what](parameters)) ?? null });
    } catch (error) {
      process.send({ id, error: error?.message ?? String(error) });
    }
  });
  ready(info);
}
