/** What `packet_loss` would leave to the kernel: single losses, and nothing of what is the model's alone. */
import type { KernelWish, Leg } from "./contract.js";

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
