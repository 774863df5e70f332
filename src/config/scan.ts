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
        default:
      }
      if (++tokens > limits.tokens) return { offset, message: "has too many parts" };
    }
    offset += token.length;
  }
  return null;
}
