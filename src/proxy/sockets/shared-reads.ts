/**
 * Has an accepted socket read into buffers of ours, as those that are dialled do with `onread`: a plain one allocates
 * 64 KiB for each read, however small, which cost an HTTP exchange a tenth of its processor time.
 *
 * Node has this for sockets that it accepts as well, but no option to ask for it. What the option sets is set here. A Node
 * in which it is another is left alone, and reads as before.
 */
import { Socket } from "node:net";

export interface Reads {
  /** Where the next read goes. */
  readonly next: () => Buffer;
  /** So many bytes of that buffer were read; false to stop reading. */
  readonly read: (length: number, buffer: Uint8Array) => boolean;
}

interface Handle {
  readonly useUserBuffer?: unknown;
}

type Marked = Record<symbol, unknown>;

const ofSockets = Object.getOwnPropertySymbols(new Socket());
const named = (name: string): symbol | undefined => ofSockets.find(({ description }) => description === name);

/** What `onread` sets: the buffer of the next read, who gives it, and who is told. */
const buffer = named("kBuffer");
const given = named("kBufferGen");
const told = named("kBufferCb");

/** False if this socket cannot: it is none of the kernel's, has bytes that were not heard yet, or Node has changed. */
export function readInto(socket: Socket, { next, read }: Reads): boolean {
  if (Object.getPrototypeOf(socket) !== Socket.prototype || socket.readableLength > 0) return false;
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null };
  if (buffer === undefined || given === undefined || told === undefined) return false;
  if (typeof handle?.useUserBuffer !== "function") return false;
  const marked = socket as unknown as Marked;
  if (marked[buffer] !== null || marked[given] !== null || marked[told] !== null) return false;
  const first = next();
  handle.useUserBuffer(first);
  marked[buffer] = first;
  marked[given] = next;
  marked[told] = read;
  return true;
}
