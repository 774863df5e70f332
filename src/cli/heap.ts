/** What the two heaps of the process learn at its start: both would give memory back only to take it anew at once. */
import { setFlagsFromString } from "node:v8";

/**
 * glibc gives free memory at the top of its heap back to the kernel as soon as there are 128 KiB of it, and a socket's
 * read buffers of 64 KiB come and go there: an upload paid for 190 page faults in each MiB, half of its processor time.
 * It learns to keep more when it sees a large block come and go: twice the size of the largest one below 32 MiB. So it
 * is shown one. Nobody writes to the block, so that it never takes up memory. Elsewhere than with glibc nothing changes.
 */
const BLOCK_BYTES = 24 * 1024 * 1024;

/**
 * V8 counts those buffers as part of its old generation, whose limit it sets by the little that is alive: for each GiB of bodies
 * it marked the whole heap up to sixty times, for two thirds of the processor time. Three times what is alive may
 * come on top of it, which is what V8 grants a heap that fills slowly.
 */
const GROWING_PERCENT = 300;

/** These (Node 24 and 25) have a limit for such buffers alone besides, of 64 MiB, unless they are told to count them as one. */
const SEPARATE_LIMIT = [13, 14];

/** Before anything is compiled: V8 takes no code cache of a process with other flags. */
export function growHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
  if (SEPARATE_LIMIT.includes(Number.parseInt(process.versions.v8, 10))) {
    setFlagsFromString("--external-memory-accounted-in-global-limit");
  }
}

/** For a process that is ours alone. Takes ten milliseconds or more, so a daemon does it when it listens. */
export function keepHeap(): void {
  Buffer.allocUnsafeSlow(BLOCK_BYTES);
  // It goes with the next collection of young objects, which comes when there are 16 MiB of them at the latest.
  for (let made = 0; made < 20; made++) Array.from({ length: 128 }, () => new Array<number>(1024).fill(made));
}
