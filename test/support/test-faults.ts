/** Fault types that exist to try out the plane: ones that make mistakes, and ones that answer what no real type does. */
import { z } from "zod";
import {
  defineFault,
  wait,
  type AnyFaultType,
  type ConnectionFault,
  type StreamStage,
} from "../../src/faults/contract/index.js";
import { ratio } from "../../src/faults/params.js";

const base = { summary: "", example: {}, effects: { hit: "" }, explain: () => "" };

/** Holds every connection after it was dialled and before a byte has moved, for good. */
export const holdsConnected: AnyFaultType = defineFault({
  ...base,
  type: "test_holds_connected",
  params: z.object({}),
  directions: null,
  connection: (scope) => ({
    connected: () => {
      scope.count("hit");
      return wait;
    },
    wakeAt: Infinity,
  }),
});

/** Throws where it is told to, as a fault with a mistake in it would. */
export const PLACES = ["accepted", "opened", "stream", "push", "end", "wake", "release", "released"] as const;
export type Place = (typeof PLACES)[number];

export const throwing: AnyFaultType = defineFault({
  ...base,
  type: "test_throwing",
  params: z.object({ in: z.enum(PLACES) }),
  directions: "both",
  connection: (scope): ConnectionFault => {
    const oops = (place: Place): void => {
      if (scope.params.in === place) throw new Error(`a mistake in ${place}`);
    };
    const stage = (): StreamStage => ({
      push: (chunk, out) => {
        oops("push");
        out.emit(chunk);
      },
      end: (out) => {
        oops("end");
        out.end();
      },
      release: () => {
        oops("release");
      },
      wakeAt: Infinity,
      held: 0,
      capacity: Infinity,
    });
    const openedAt = scope.now();
    let woken = false;
    return {
      accepted: () => {
        oops("accepted");
        return { do: "pass" };
      },
      opened: () => {
        oops("opened");
        return { do: "pass" };
      },
      stream: () => {
        oops("stream");
        return stage();
      },
      get wakeAt() {
        return scope.params.in === "wake" && !woken ? openedAt + 100 : Infinity;
      },
      wake: () => {
        woken = true;
        oops("wake");
        return { do: "pass" };
      },
      released: () => {
        oops("released");
      },
    };
  },
});

/** Loses a byte without telling anybody, which the books must not let pass. */
export const careless: AnyFaultType = defineFault({
  ...base,
  type: "test_careless",
  params: z.object({}),
  directions: "downstream",
  stream: () => ({
    push: (chunk, out) => {
      out.emit(chunk.subarray(1));
    },
    release: () => undefined,
    wakeAt: Infinity,
    held: 0,
    capacity: Infinity,
  }),
});

/** Drops every byte and lets the end by. */
export const swallowing: AnyFaultType = defineFault({
  ...base,
  type: "test_swallowing",
  params: z.object({}),
  directions: "downstream",
  stream: () => ({
    push: (chunk, out) => {
      out.drop(chunk.length);
    },
    release: () => undefined,
    wakeAt: Infinity,
    held: 0,
    capacity: Infinity,
  }),
});

/** Puts a letter behind every chunk, its own and those that others put in, so that bytes tell the order of faults. */
export const tagging: AnyFaultType = defineFault({
  ...base,
  type: "test_tagging",
  params: z.object({ tag: z.string() }),
  directions: "downstream",
  stream: ({ params }) => ({
    push: (chunk, out) => {
      out.emit(chunk);
      out.insert(Buffer.from(params.tag));
    },
    release: () => undefined,
    wakeAt: Infinity,
    held: 0,
    capacity: Infinity,
  }),
});

/** Books each subject with one draw of its own, so that draws can be read off the facts. */
export const recording: AnyFaultType = defineFault({
  ...base,
  type: "test_recording",
  params: z.object({ share: ratio().prefault("0%") }),
  directions: null,
  connection: (scope) => ({
    accepted: () => {
      scope.count("hit", 1, { draw: scope.random.unit() });
      return { do: "pass" };
    },
    wakeAt: Infinity,
  }),
});
