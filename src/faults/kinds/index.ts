/** All fault types, one line each. */
import type { AnyFaultType } from "../contract.js";
import latency from "./latency.js";

export const FAULT_TYPES: readonly AnyFaultType[] = [latency];
