/**
 * What may stand where a file was named, and is none that can be used; each with the words in which that is said. A pipe is made by another
 * program, so whoever starts some adds it.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";

export interface WrongFile {
  readonly what: string;
  readonly make: (path: string) => void;
  /** Behind `cannot read … in FILE: `; null where the file can be read, and what is in it is wrong. */
  readonly unread: string | null;
}

export const WRONG_FILES: readonly WrongFile[] = [
  { what: "is not there", make: () => undefined, unread: "there is no such file" },
  {
    what: "may not be read",
    make: (path) => {
      writeFileSync(path, "secret");
      chmodSync(path, 0);
    },
    unread: "it may not be read",
  },
  { what: "is a folder", make: (path) => void mkdirSync(path), unread: "it is a folder" },
  {
    what: "is too large",
    make: (path) => {
      writeFileSync(path, Buffer.alloc(2 ** 20 + 1, "secret\n"));
    },
    unread: "is larger than 1MiB",
  },
  {
    what: "is empty",
    make: (path) => {
      writeFileSync(path, "");
    },
    unread: null,
  },
  {
    what: "is binary",
    make: (path) => {
      writeFileSync(path, Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 167 + 13) % 256)));
    },
    unread: null,
  },
  {
    what: "is some other text",
    make: (path) => {
      writeFileSync(path, "password: s3cret\n");
    },
    unread: null,
  },
];

export const clear = (path: string): void => {
  rmSync(path, { recursive: true, force: true });
};

/** As somebody whom rights mean something to, where the tests run as root, to whom they mean nothing. */
export async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(65_534);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}

/** Within `asNobody`: as who the tests run as. */
export async function asRoot<T>(run: () => Promise<T>): Promise<T> {
  const [real, effective] = [process.getuid?.(), process.geteuid?.()];
  if (real === effective || effective === undefined) return run();
  process.seteuid?.(0);
  try {
    return await run();
  } finally {
    process.seteuid?.(effective);
  }
}
