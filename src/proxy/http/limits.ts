/** How much of a stream the codec takes for one head, one chunk line, and while it is stopped. */
export interface CodecLimits {
  /** Of a head, the empty lines before it included. */
  readonly headBytes: number;
  readonly headFields: number;
  readonly trailerBytes: number;
  readonly trailerFields: number;
  /** Of a chunk size with its extensions. */
  readonly chunkLineBytes: number;
  /** Of what is pushed while the reader is stopped. Its owner pauses the source, so that a few reads are enough. */
  readonly heldBytes: number;
}

export const DEFAULT_LIMITS: CodecLimits = {
  headBytes: 65_536,
  headFields: 1_000,
  trailerBytes: 16_384,
  trailerFields: 100,
  chunkLineBytes: 4_096,
  heldBytes: 1_048_576,
};
