/** The server's side of the codec: reads responses, each in the light of the request that it answers. */
import { DEFAULT_LIMITS, MessageReader, type CodecLimits } from "./codec.js";
import { frameResponse, Unframed, type Asked } from "./framing.js";
import { Fields, ResponseHead, type RequestHead } from "./head.js";
import type { RefusalReason } from "./refusal.js";
import type { HeadScanner } from "./scanner.js";

/** Its owner calls `expect` for each request, in the order in which they are sent, before the first byte of it is. */
export class ResponseReader extends MessageReader<ResponseHead> {
  readonly #asked: Asked[] = [];

  constructor(limits: CodecLimits = DEFAULT_LIMITS) {
    super("response", limits);
  }

  expect(asked: Asked): void {
    this.#asked.push(asked);
  }

  /** How many requests have not been answered to the end. */
  get outstanding(): number {
    return this.#asked.length;
  }

  protected override judge(raw: Buffer, scanner: HeadScanner, kept: boolean): ResponseHead | Unframed {
    const asked = this.#asked[0] ?? PLAINLY;
    const marks = scanner.marks();
    const framing = frameResponse(new Fields(raw, marks, kept), scanner, asked);
    return framing instanceof Unframed ? framing : new ResponseHead(raw, marks, kept, scanner, framing);
  }

  protected override admits(): RefusalReason | null {
    return this.#asked.length === 0 ? "unasked_response" : null;
  }

  protected override get speaksForItself(): boolean {
    return this.#asked[0] === PLAINLY;
  }

  protected override begun({ framing }: ResponseHead): void {
    if (framing.body === "tunnel") this.#asked.shift();
  }

  protected override completed(): "on" {
    this.#asked.shift();
    return "on";
  }
}

/** Asks for nothing special. */
export const PLAINLY: Asked = { head: false, connect: false, upgrade: false };

const BY_HEAD: Asked = { head: true, connect: false, upgrade: false };

/** What a response must know of this request. */
export function askedBy(request: RequestHead): Asked {
  const { connect, upgrade } = request.framing;
  const head = !connect && request.method === "HEAD";
  if (connect || upgrade) return { head, connect, upgrade };
  return head ? BY_HEAD : PLAINLY;
}
