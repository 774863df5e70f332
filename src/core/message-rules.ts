/** Which answers have content, and what is said of its length: the one place that asks RFC 9110 and RFC 9112 about method and status. */

/** The method decides where an answer to HEAD or CONNECT ends; of others only the status does. */
export interface Asked {
  readonly method: string;
  readonly status: number;
}

/**
 * Whether an answer of that status may have content where its method lets it: not 1xx and 204 (RFC 9110, sections 15.2 and
 * 15.3.5), not 205 (15.3.6) and not 304 (15.4.5).
 */
export function mayHaveContent(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 205 && status !== 304;
}

/** Whether it is over with its head, whatever that says (RFC 9112, section 6.3, rules 1 and 2). */
export function endsWithHead({ method, status }: Asked): boolean {
  return (
    method === "HEAD" || status < 200 || status === 204 || status === 304 || opensTunnel({ method, status })
  );
}

/** 2xx to CONNECT: what follows the head is the tunnel (RFC 9110, section 9.3.6). */
export function opensTunnel({ method, status }: Asked): boolean {
  return method === "CONNECT" && status >= 200 && status < 300;
}

/**
 * What its Content-Length must be, of an answer of our own whose content has so many bytes; null if it must have none.
 * 1xx, 204 and tunnels must not have one, the 304 of nobody's content has none to tell of (RFC 9110, section 8.6), 205 says 0, and
 * the answer to HEAD says what the one to GET would.
 */
export function contentLength(asked: Asked, bytes: number): number | null {
  const { status } = asked;
  if (status === 205 && !opensTunnel(asked)) return 0;
  return mayHaveContent(status) && !opensTunnel(asked) ? bytes : null;
}
