/** Calls of the admin API from the page: with the token, if one was given, and with mistakes as values that views can show. */
import { BASE } from "./base.js";
import type { Mistake } from "./mistake.js";
import type { Token } from "./token.js";

interface ErrorBody {
  readonly error?: unknown;
  readonly code?: unknown;
  readonly path?: unknown;
  readonly hint?: unknown;
  readonly details?: unknown;
}

/** What the daemon refused, or that it could not be reached. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** As docs/errors.md has them; `UNREACHABLE` where nobody answered, `ODD_ANSWER` where it was none of this API. */
  readonly code: string;
  readonly path: string;
  readonly hint: string;
  readonly mistakes: readonly Mistake[];

  constructor(code: string, message: string, { path, hint, details }: ErrorBody = {}) {
    super(message);
    this.code = code;
    this.path = typeof path === "string" ? path : "";
    this.hint = typeof hint === "string" ? hint : "";
    this.mistakes = Array.isArray(details) ? (details as readonly Mistake[]) : [];
  }
}

export interface CallOptions {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export class Api {
  readonly #token: Token;

  constructor(token: Token) {
    this.#token = token;
  }

  /** The answer as JSON. Rejects with an ApiError, or with an AbortError where the signal said so. */
  async json<Answer>(path: string, options: CallOptions = {}): Promise<Answer> {
    const response = await this.open(path, options);
    try {
      return (await response.json()) as Answer;
    } catch (error) {
      throw options.signal?.aborted === true ? error : unreachable();
    }
  }

  /** The answer itself, whose body may go on for ever. Rejects as `json` does. */
  async open(
    path: string,
    { method = "GET", body, headers = {}, signal }: CallOptions = {},
  ): Promise<Response> {
    // One dialog asks for it; what asks again and again meanwhile would only be refused again.
    if (this.#token.needed) throw new ApiError("SQ_UNAUTHORIZED", "The daemon wants a token first.");
    const token = this.#token.value;
    const request: RequestInit = {
      method,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    };
    let response: Response;
    try {
      response = await fetch(`${BASE}${path}`, request);
    } catch (error) {
      throw signal?.aborted === true ? error : unreachable();
    }
    if (response.ok) return response;
    const error = await errorOf(response);
    if (error.code === "SQ_UNAUTHORIZED") this.#token.refused(token);
    throw error;
  }
}

function unreachable(): ApiError {
  return new ApiError("UNREACHABLE", "The daemon does not answer.");
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  if (typeof body.error === "string" && typeof body.code === "string")
    return new ApiError(body.code, body.error, body);
  return new ApiError("ODD_ANSWER", `The daemon answered with status ${response.status}.`);
}
