/** The process of one worker in a network of its own: it does what it is told over its channel, and ends when that ends. */
import process from "node:process";
import { failureOf, stageOf, type FromWorker, type ToWorker } from "./isolated-words.js";
import { Worker } from "./worker.js";

const interrupted = new AbortController();
let worker: Worker | null = null;

function say(answer: FromWorker): void {
  process.send?.(answer);
}

async function done(asked: ToWorker): Promise<FromWorker | null> {
  switch (asked.kind) {
    case "open":
      worker = await Worker.open(stageOf(asked.stage, interrupted.signal));
      return { kind: "done" };
    case "run":
      if (worker === null) throw new Error("a run before the worker was opened");
      return { kind: "made", made: await worker.run(asked.plan, asked.number, asked.limits) };
    case "interrupt":
      interrupted.abort(new DOMException(asked.text, "AbortError"));
      return null;
    case "close":
      await worker?.close();
      return { kind: "done" };
  }
}

process.on("message", (asked: ToWorker) => {
  done(asked)
    .catch(failureOf)
    .then((answer) => {
      if (answer !== null) say(answer);
      if (asked.kind === "close") process.disconnect();
    })
    .catch(() => {
      process.exitCode = 1;
    });
});

// The sweep is gone, in order or not: nothing that was started here stays.
process.on("disconnect", () => {
  worker?.killNow();
  process.exit();
});
