/** What a call of the admin API is: one value, from which routing, the OpenAPI document and the index are made. */
import type { Request, Response } from "express";
import type { z } from "zod";
import type { ErrorCode } from "../core/errors.js";
import type { BodyText } from "./body.js";

export type Method = "get" | "put" | "post" | "patch" | "delete";

/** The names between braces in a path such as `/profiles/{name}`. */
type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

export interface Call<Params, Query> {
  readonly params: Params;
  readonly query: Query;
  /** Empty where the route takes none. */
  readonly body: BodyText;
  readonly request: Request;
  readonly response: Response;
}

/** What a handler answers; "taken" when it writes to the response by itself. */
export type Answer =
  | { readonly status: number; readonly json: unknown }
  | { readonly status: number; readonly text: string; readonly type: string }
  | { readonly status: 204 }
  | "taken";

export const json = (value: unknown, status = 200): Answer => ({ status, json: value });
export const text = (value: string, type: string): Answer => ({ status: 200, text: value, type });
export const noContent: Answer = { status: 204 };

export interface AnswerSpec {
  readonly about: string;
  /** What the JSON looks like; it needs a name, see `named`. */
  readonly schema?: z.ZodType;
  /** Other forms of the answer. */
  readonly types?: readonly string[];
}

export interface BodySpec {
  readonly about: string;
  readonly required: boolean;
  readonly schema?: z.ZodType;
  /** Other forms that are taken. */
  readonly types: readonly string[];
  readonly example: string;
}

export interface RouteSpec<Path extends string, Query extends z.ZodObject> {
  readonly method: Method;
  readonly path: Path;
  readonly summary: string;
  readonly params?: { readonly [Name in ParamNames<Path>]: string };
  readonly query?: Query;
  readonly body?: BodySpec;
  readonly answers: Readonly<Record<number, AnswerSpec>>;
  /** Besides `COMMON_ERRORS`. */
  readonly errors?: readonly ErrorCode[];
  /** Answers as Toxiproxy does, errors included. */
  readonly dialect?: "toxiproxy";
  /** Other parameters do no harm: those who scrape and probe are told to send some that mean nothing here. */
  readonly anyQuery?: true;
  /** The last name of the path stands for all that follows, slashes included. */
  readonly restOfPath?: true;
  /** Any method will do, which the document need not know. */
  readonly anyMethod?: true;
  /** False where nothing is changed that would be kept over a restart, though it is no GET. */
  readonly keeps?: false;
  /** Takes long whatever is asked: it is answered when others have been, see `Turnstile`. */
  readonly heavy?: true;
  /** Answers without a token, since whoever restarts a daemon that is down has none. */
  readonly open?: true;
  readonly handle: (
    call: Call<{ readonly [Name in ParamNames<Path>]: string }, z.output<Query>>,
  ) => Answer | Promise<Answer>;
}

/** A route with its own types forgotten; whoever calls `handle` has checked params and query against it. */
export type Route = Omit<RouteSpec<string, z.ZodObject>, "handle" | "params"> & {
  readonly params?: Readonly<Record<string, string>>;
  readonly handle: (
    call: Call<Readonly<Record<string, string>>, Readonly<Record<string, unknown>>>,
  ) => Answer | Promise<Answer>;
};

export function defineRoute<const Path extends string, Query extends z.ZodObject = z.ZodObject>(
  spec: RouteSpec<Path, Query>,
): Route {
  return spec as unknown as Route;
}

/** What any call may answer. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  "SQ_BAD_REQUEST",
  "SQ_BAD_PARAM",
  "SQ_UNAUTHORIZED",
  "SQ_FORBIDDEN_HOST",
  "SQ_TIMEOUT",
  "SQ_TOO_LARGE",
  "SQ_INTERNAL",
  "SQ_STOPPING",
];
