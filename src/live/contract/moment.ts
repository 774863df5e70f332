/** Words that all answers share. */

/** One moment on both clocks. */
export interface Moment {
  readonly now: number;
  readonly now_wall: number;
}

export type Plane = "tcp" | "http" | "udp" | "dns";
