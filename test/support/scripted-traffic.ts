/** Random but repeatable traffic for the bench: what is sent, in which direction, and when. */
import { LANE, Random, drawKey } from "../../src/core/random.js";
import type { Direction } from "../../src/faults/contract/index.js";
import type { StreamBench } from "./stream-bench.js";

export type Step =
  | { readonly do: "send"; readonly direction: Direction; readonly bytes: number }
  | { readonly do: "wait"; readonly millis: number }
  | { readonly do: "end"; readonly direction: Direction; readonly how: "fin" | "reset" };

export function randomOf(seed: number, purpose = "traffic"): Random {
  const name = { activation: purpose, phase: "", pass: 0, fault: "", proxy: "", bot: "" };
  return new Random(drawKey({ seed, ...name }), 0, LANE.subject);
}

/** `length` steps that leave both directions open, and then both ends. */
export function script(seed: number, length: number): Step[] {
  const random = randomOf(seed);
  const direction = (): Direction => (random.chance(0.5) ? "upstream" : "downstream");
  const steps: Step[] = [];
  for (let i = 0; i < length; i++) {
    if (random.chance(0.5)) {
      // Mostly small, sometimes as large as a read of a socket.
      const bytes = 1 + random.integer(random.chance(0.1) ? 65_536 : 400);
      steps.push({ do: "send", direction: direction(), bytes });
    } else {
      steps.push({
        do: "wait",
        millis: random.chance(0.1) ? random.between(100, 3000) : random.between(0, 20),
      });
    }
  }
  const first = direction();
  const second = first === "upstream" ? "downstream" : "upstream";
  return [
    ...steps,
    { do: "end", direction: first, how: "fin" },
    { do: "end", direction: second, how: random.chance(0.2) ? "reset" : "fin" },
  ];
}

export function play(bench: StreamBench, step: Step): void {
  switch (step.do) {
    case "send":
      bench.send(step.direction, step.bytes);
      break;
    case "wait":
      bench.clock.advance(step.millis);
      break;
    case "end":
      bench.end(step.direction, step.how);
      break;
  }
}
