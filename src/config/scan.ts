/** What a YAML text may cost, judged by its tokens before the parser sees it. */
import { CST, Lexer } from "yaml";

export interface ReadLimits {
  readonly bytes: number;
  readonly depth: number;
  /** Scalars, lists and maps of one text, those behind aliases counted each time. */
  readonly nodes: number;
  /** Pieces that the lexer makes, blanks included: what bounds the time that a text can take. */
  readonly tokens: number;
  readonly documents: number;
}

export const READ_LIMITS: ReadLimits = {
  bytes: 2 ** 20,
  depth: 32,
  nodes: 100_000,
  tokens: 200_000,
  documents: 1_000,
};

/** Of what comes by the API: such a text is read within 100 ms, and meanwhile nothing else is done. */
export const REQUEST_LIMITS: ReadLimits = { ...READ_LIMITS, nodes: 20_000, tokens: 40_000, documents: 100 };

/** Mistakes of one text that the parser may find: each costs it an error of its own. */
const MISTAKES_MAX = 100;
const ESCAPE =
  /\\(?:[0abefnrtvNLP_ "/\\\t\r\n]|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|(?<bad>[^]|$))/gu;

/** Where an escape stands that is none, after so many of them; null if there are not so many. */
function badEscapes(token: string, budget: { left: number }): number | null {
  if (!token.startsWith('"')) return null;
  for (const { groups, index } of token.matchAll(ESCAPE))
    if (groups?.["bad"] !== undefined && --budget.left < 0) return index;
  return null;
}

/**
 * Looks over the tokens before anything is parsed. The parser recurses and takes seconds over a
 * megabyte of brackets; the lexer does not, and is stopped at the first excess.
 */
export function scan(text: string, limits: ReadLimits): { offset: number; message: string } | null {
  const tooDeep = `is nested more than ${limits.depth} levels deep`;
  let offset = 0;
  let flow = 0;
  let inLine = 0;
  let documents = 0;
  let tokens = 0;
  let isText = false;
  const escapes = { left: MISTAKES_MAX };
  for (const token of new Lexer().lex(text)) {
    if (isText) {
      isText = false;
    } else {
      switch (CST.tokenType(token)) {
        case "scalar":
          // Says that the next token is a scalar's text, whatever it looks like.
          isText = true;
          continue;
        case "doc-mode":
        case "flow-error-end":
          continue;
        case "flow-seq-start":
        case "flow-map-start":
          if (++flow > limits.depth) return { offset, message: tooDeep };
          break;
        case "flow-seq-end":
        case "flow-map-end":
          flow = Math.max(0, flow - 1);
          break;
        case "seq-item-ind":
        case "explicit-key-ind":
        case "map-value-ind":
          if (flow === 0 && ++inLine > limits.depth) return { offset, message: tooDeep };
          break;
        case "newline":
          inLine = 0;
          break;
        case "doc-start":
        case "doc-end":
        case "directive-line":
          if (++documents > 2 * limits.documents) {
            return { offset, message: `holds more than ${limits.documents} documents` };
          }
          break;
        case "double-quoted-scalar": {
          const bad = badEscapes(token, escapes);
          if (bad !== null)
            return { offset: offset + bad, message: `has more than ${MISTAKES_MAX} escapes that are none` };
          break;
        }
        default:
      }
      if (++tokens > limits.tokens) return { offset, message: "has too many parts" };
    }
    offset += token.length;
  }
  return null;
}
