/** The records that a dns proxy has of its own: what they answer to a question, made ready once for each of them. */
import type { DnsRecord } from "../../faults/contract/index.js";
import { CLASS_IN, typeName, type Query } from "./codec.js";
import { recordBytes } from "./reply.js";

export interface LocalAnswer {
  readonly records: readonly Buffer[];
  /** The chain of aliases leads out of our records: the rest is for others to answer. */
  readonly alias: string | null;
}

/** Aliases that are followed, so that those that go in circles come to an end. */
const ALIASES_MAX = 8;
const TYPE_ANY = 255;
/** Classes that are asked about: the Internet's, and any. */
const CLASS_ANY = 255;
/** Answers kept ready; beyond it they are made anew each time, which wildcards could otherwise make endless. */
const READY_MAX = 4_096;

export class Zone {
  readonly #names = new Map<string, DnsRecord[]>();
  /** Of `*.example`: by `example`. */
  readonly #wildcards = new Map<string, DnsRecord[]>();
  readonly #ready = new Map<string, LocalAnswer>();

  constructor(records: readonly DnsRecord[]) {
    for (const record of records) {
      const wild = record.name.startsWith("*.");
      const name = wild ? record.name.slice(2) : record.name;
      const names = wild ? this.#wildcards : this.#names;
      const known = names.get(name);
      if (known === undefined) names.set(name, [record]);
      else known.push(record);
    }
  }

  get empty(): boolean {
    return this.#names.size + this.#wildcards.size === 0;
  }

  /** Null for names that are not ours. A name that is ours answers for all types, with nothing for those it has not. */
  answer({ name, type, class: of }: Pick<Query, "name" | "type" | "class">): LocalAnswer | null {
    if (this.empty || (of !== CLASS_IN && of !== CLASS_ANY)) return null;
    const key = `${type} ${name}`;
    const ready = this.#ready.get(key);
    if (ready !== undefined) return ready;
    const found = this.#find(name, type);
    if (found !== null && this.#ready.size < READY_MAX) this.#ready.set(key, found);
    return found;
  }

  #find(asked: string, type: number): LocalAnswer | null {
    const wanted = typeName(type);
    const records: Buffer[] = [];
    let name = asked;
    for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
      const own = this.#recordsOf(name);
      if (own === null) return aliases === 0 ? null : { records, alias: name };
      const alias = own.find((record) => record.type === "CNAME");
      const hits = own.filter((record) => type === TYPE_ANY || record.type === wanted);
      for (const record of hits.length === 0 && alias !== undefined ? [alias] : hits) {
        const bytes = recordBytes({ ...record, name }, asked);
        if (bytes !== null) records.push(bytes);
      }
      if (hits.length > 0 || alias === undefined) break;
      name = alias.data;
    }
    return { records, alias: null };
  }

  /** A name itself, or else the closest wildcard above it; a name that is there hides wildcards (RFC 4592). */
  #recordsOf(name: string): readonly DnsRecord[] | null {
    const own = this.#names.get(name);
    if (own !== undefined) return own;
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const above = name.slice(dot + 1);
      const wild = this.#wildcards.get(above);
      if (wild !== undefined) return wild;
      if (this.#names.has(above)) return null;
    }
    return null;
  }
}
