/**
 * One direction of ciphertext between a client's socket and the engine. Without faults it is a straight line; a pump with stages that
 * hold, drop or change bytes has the same shape and can stand in its place.
 */

/** Where bytes come from: held up while what is behind takes no more. */
export interface LaneSource {
  pause(): unknown;
  resume(): unknown;
}

/** Where bytes go to. */
export interface LaneSink {
  /** Takes the chunk; false asks for a pause until `drained`. */
  write(chunk: Buffer): boolean;
  end(): unknown;
  /** What is written from here to `uncork` leaves in one write. */
  cork(): unknown;
  uncork(): unknown;
}

export interface Lane {
  data(chunk: Buffer): void;
  end(how: "fin" | "reset"): void;
  /** The sink takes bytes again. */
  drained(): void;
  /** The sink is gone. */
  sinkLost(): void;
}

export interface LaneParts {
  readonly direction: "from_client" | "to_client";
  readonly source: LaneSource;
  readonly sink: LaneSink;
  /** An RST has come out at the end of the lane, or is to be taken for one. */
  readonly reset: () => void;
}

export type MakeLane = (parts: LaneParts) => Lane;

export const straight: MakeLane = ({ source, sink, reset }) => ({
  data: (chunk) => {
    if (!sink.write(chunk)) source.pause();
  },
  end: (how) => {
    if (how === "fin") sink.end();
    else reset();
  },
  drained: () => source.resume(),
  sinkLost: () => undefined,
});
