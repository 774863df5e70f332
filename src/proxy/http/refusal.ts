/**
 * Why the codec will not read on: one stable code for each framing that two readers could understand
 * differently, or that no reader should. The owner of the connection answers `status` or relays opaque bytes.
 */

export interface Refused {
  /** What to answer a request with; a response that is refused is a 502 to the client. */
  readonly status: 400 | 431;
  /** The rest of a sentence that begins with "refused: ". */
  readonly text: string;
}

const bad = (text: string): Refused => ({ status: 400, text });
const large = (text: string): Refused => ({ status: 431, text });

export const REFUSALS = {
  bad_request_line: bad("the request line is not `method SP target SP HTTP/1.x` (RFC 9112 3)"),
  bad_status_line: bad("the status line is not `HTTP/1.x SP code SP reason` (RFC 9112 4)"),
  bad_version: bad("the version is neither HTTP/1.1 nor HTTP/1.0 (RFC 9112 2.3)"),
  bare_cr: bad("a CR stands without its LF (RFC 9112 2.2)"),
  bare_lf: bad("an LF stands without its CR (RFC 9112 2.2)"),
  bad_field_name: bad("a field name is empty, or holds what no token may (RFC 9112 5.1)"),
  space_before_colon: bad("white space stands between a field name and its colon (RFC 9112 5.1)"),
  bad_field_value: bad("a field value holds a control character (RFC 9110 5.5)"),
  folded_field: bad("a line begins with white space, as folded fields did (RFC 9112 5.2)"),
  head_too_large: large("the head is larger than the limit"),
  too_many_fields: large("there are more fields than the limit"),
  trailers_too_large: large("the trailer section is larger than the limit"),
  both_lengths: bad("both Content-Length and Transfer-Encoding are given (RFC 9112 6.3)"),
  bad_content_length: bad("a Content-Length is not a decimal number below 2^53 (RFC 9112 6.3)"),
  differing_content_lengths: bad("several Content-Lengths differ (RFC 9112 6.3)"),
  bad_transfer_encoding: bad(
    "the Transfer-Encoding is not a list of codings with at most one chunked (RFC 9112 6.1)",
  ),
  unchunked_request: bad("the Transfer-Encoding of a request does not end in chunked (RFC 9112 6.3)"),
  transfer_encoding_in_http10: bad("an HTTP/1.0 message has a Transfer-Encoding (RFC 9112 6.1)"),
  connect_with_body: bad("a CONNECT announces a body (RFC 9110 9.3.6)"),
  bad_chunk_size: bad("a chunk size is not a hexadecimal number below 2^53 (RFC 9112 7.1)"),
  bad_chunk_extension: bad("a chunk extension holds a control character (RFC 9112 7.1.1)"),
  bad_chunk_end: bad("chunk data is not followed by CRLF (RFC 9112 7.1)"),
  chunk_line_too_long: bad("a chunk size with its extensions is longer than the limit"),
  after_close: bad("bytes follow a message that closed the connection (RFC 9112 9.6)"),
  unasked_response: bad("a response came that no request waits for (RFC 9112 9.2)"),
  unasked_upgrade: bad("a 101 came for a request that asked for no upgrade (RFC 9110 15.2.2)"),
} satisfies Readonly<Record<string, Refused>>;

/** What is said where `ambiguous` is `reject`, with the way out. */
export function refusing(where: string): string {
  return `refused: ${where} (\`ambiguous: relay\` would pass it on unread)`;
}

export type RefusalReason = keyof typeof REFUSALS;
