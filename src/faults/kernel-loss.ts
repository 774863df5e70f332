/** What `packet_loss` would leave to the kernel: single losses, and nothing of what is the model's alone. And what it gets. */
import type { Direction, KernelWish, Leg } from "./contract/index.js";

export interface EngineParams {
  readonly engine: "auto" | "kernel" | "model";
  readonly loss: number;
  readonly leg: Leg;
}

/** `plain` are the parameters as they are when nothing is given: whatever differs is asked of the model. */
export function kernelWish(params: EngineParams, plain: object): KernelWish {
  const usual = new Map(Object.entries(plain));
  const unfit = Object.entries(params).filter(
    ([name, value]) =>
      !KERNELS_OWN.has(name) &&
      value !== undefined &&
      JSON.stringify(value) !== JSON.stringify(usual.get(name)),
  );
  const { engine, loss, leg } = params;
  return { engine, loss, leg, unfit: unfit.map(([name]) => name) };
}

const KERNELS_OWN: ReadonlySet<string> = new Set(["engine", "loss", "leg"] satisfies (keyof EngineParams)[]);

/** What the kernel is to lose for one fault on one proxy. */
export interface KernelLoss {
  /** Share of the segments, in each of the directions. */
  readonly loss: number;
  readonly leg: Leg;
  readonly directions: readonly Direction[];
  /** Addresses and CIDR blocks of clients; null for all. */
  readonly clients: readonly string[] | null;
}

export interface Engine {
  /** null: the model. */
  readonly kernel: KernelLoss | null;
  /** Why it is the model, or what follows from the kernel. */
  readonly why: string;
}
