/**
 * A CA on disk. Its folder has `ca-key.pem`, the key and the certificate that belongs to it in one file, so that two daemons that
 * begin at once have one CA or the other and no mixture; and `ca.pem` and `bundle.pem` for bots to read, made from it.
 */
import { createPrivateKey, randomBytes, X509Certificate, type KeyObject } from "node:crypto";
import { constants, existsSync, statSync } from "node:fs";
import { access, copyFile, link, open, rename, rm, stat } from "node:fs/promises";
import { platform } from "node:os";
import { dirname, join, resolve } from "node:path";
import { SquallError } from "../core/errors.js";
import { makeFolder } from "../core/make-folder.js";
import { readRegular } from "../core/read-file.js";
import type { CA } from "./ca.js";
import { bundleOf, certificatesIn, pemOf } from "./pem.js";

const KEY_FILE = "ca-key.pem";
const FOLDER_MODE = 0o700;
const KEY_MODE = 0o600;
/** What they say is public, and the folder keeps others out. */
const PUBLIC_MODE = 0o644;
const SIZE_MAX = 2 ** 20;
/** Some file systems know no second name for a file. */
const NO_LINKS = ["EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP", "EMLINK"];

/** Absolute paths. */
export interface AuthorityFiles {
  readonly folder: string;
  readonly ca: string;
  readonly bundle: string;
}

export interface KeptCA {
  readonly ca: CA;
  /** The files that it was read from: of the certificate and of the key, which may be one. */
  readonly from: readonly [cert: string, key: string];
  /** Null for a CA that has no folder of ours. */
  readonly files: AuthorityFiles | null;
  readonly warnings: readonly string[];
}

export function filesIn(folder: string): AuthorityFiles {
  const whole = resolve(folder);
  return { folder: whole, ca: join(whole, "ca.pem"), bundle: join(whole, "bundle.pem") };
}

/** The CA of the folder; `make` makes one, if there is none. Throws SQ_INVALID_CA. */
export async function folderCA(folder: string, make: () => CA | Promise<CA>): Promise<KeptCA> {
  const files = filesIn(folder);
  const keyFile = join(files.folder, KEY_FILE);
  try {
    refuseOther(files.folder);
    makeFolder(files.folder, FOLDER_MODE);
    if (textOf(keyFile) === null) await place(keyFile, keyText(await make()), KEY_MODE, "first");
    const ca = await readCA(keyFile, keyFile);
    await writePublic(files, ca);
    const warnings = await readableByOthers([files.folder, keyFile]);
    return { ca, from: [keyFile, keyFile], files, warnings };
  } catch (error) {
    throw invalid(folder, error);
  }
}

/** The CA of two files of the user's. The first certificate signs; what follows it leads to the root. Throws SQ_INVALID_CA. */
export async function givenCA(source: { readonly cert: string; readonly key: string }): Promise<KeptCA> {
  try {
    return {
      ca: await readCA(source.cert, source.key),
      from: [source.cert, source.key],
      files: null,
      warnings: await readableByOthers([resolve(source.key)]),
    };
  } catch (error) {
    throw invalid(source.cert, error);
  }
}

/** What its files hold by now, read at once, since handshakes wait for nothing. Throws SQ_INVALID_CA. */
export function rereadCA({ from: [cert, key] }: Pick<KeptCA, "from">): CA {
  const textIn = (file: string): string => {
    if (!existsSync(file)) throw new Error(`${file} is not there`);
    return read(file);
  };
  try {
    return caIn(textIn(cert), cert, textIn(key), key);
  } catch (error) {
    throw invalid(cert === key ? dirname(cert) : cert, error);
  }
}

/** Writes for bots what they read of another CA, where they found the one before. Throws SQ_INVALID_CA. */
export async function publishCA(files: AuthorityFiles, ca: CA): Promise<void> {
  try {
    await writePublic(files, ca);
  } catch (error) {
    throw unshared(files.folder, error);
  }
}

/** Writes what bots read into a folder that has nothing else of the CA. Throws SQ_INVALID_CA. */
export async function shareCA(folder: string, ca: CA): Promise<AuthorityFiles> {
  const files = filesIn(folder);
  try {
    refuseOther(files.folder);
    makeFolder(files.folder);
    await writePublic(files, ca);
    return files;
  } catch (error) {
    throw unshared(folder, error);
  }
}

/** Throws SQ_INVALID_CA where `folderCA` or `givenCA` would for what is there; nothing is made. */
export async function checkCA(
  source: { readonly folder: string } | { readonly cert: string; readonly key: string },
): Promise<void> {
  if (!("folder" in source)) {
    await givenCA(source);
    return;
  }
  const { folder } = filesIn(source.folder);
  const file = join(folder, KEY_FILE);
  try {
    refuseOther(folder);
    if (textOf(file) !== null) await readCA(file, file);
    else await checkFolder(folder);
  } catch (error) {
    throw invalid(source.folder, error);
  }
}

/** Throws SQ_INVALID_CA where `shareCA` would; nothing is made. */
export async function checkShare(folder: string): Promise<void> {
  try {
    await checkFolder(resolve(folder));
  } catch (error) {
    throw unshared(folder, error);
  }
}

/** Puts another CA in the place of the folder's, for `squall ca renew`. Throws SQ_INVALID_CA. */
export async function replaceCA(folder: string, ca: CA): Promise<AuthorityFiles> {
  const files = filesIn(folder);
  try {
    await place(join(files.folder, KEY_FILE), keyText(ca), KEY_MODE, "always");
    await writePublic(files, ca);
    return files;
  } catch (error) {
    throw invalid(folder, error);
  }
}

async function readCA(certFile: string, keyFile: string): Promise<CA> {
  return caIn(await present(certFile), certFile, await present(keyFile), keyFile);
}

function caIn(certText: string, certFile: string, keyTextIn: string, keyFile: string): CA {
  const certificates = certificatesIn(certText).map((pem) => new X509Certificate(pem));
  const [own, ...others] = certificates;
  if (own === undefined) throw new Error(`there is no certificate in ${certFile}`);
  const key = privateKey(keyTextIn, keyFile);
  if (!own.checkPrivateKey(key)) throw new Error(`the key in ${keyFile} is not that of the certificate`);
  if (!own.ca) throw new Error("its certificate is not that of a CA");
  return { chain: [own.raw, ...others.map(({ raw }) => raw)], key };
}

/** What OpenSSL says of a key that it cannot read may not quote it, but nobody promises that: it is left out. */
function privateKey(text: string, file: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error(`there is no private key in ${file} that can be read without a passphrase`);
  }
}

async function writePublic(files: AuthorityFiles, ca: CA): Promise<void> {
  const root = pemOf(ca.chain.at(-1) ?? ca.chain[0]);
  for (const [file, text] of [
    [files.ca, root],
    [files.bundle, bundleOf(root)],
  ] as const)
    if (textOf(file) !== text) await place(file, text, PUBLIC_MODE, "always");
}

function keyText(ca: CA): string {
  const key = ca.key.export({ type: "pkcs8", format: "pem" }).toString();
  return [key, ...ca.chain.map(pemOf)].join("");
}

/** Puts a whole file in its place: `first` leaves what somebody else has put there in the meantime. */
async function place(file: string, text: string, mode: number, when: "first" | "always"): Promise<void> {
  const next = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const handle = await open(next, "wx", mode);
    try {
      await handle.writeFile(text);
      // Whatever the process takes away from files by default: bots are others.
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (when === "always") await rename(next, file);
    else await placeFirst(next, file);
  } finally {
    await rm(next, { force: true });
  }
}

async function placeFirst(next: string, file: string): Promise<void> {
  try {
    await link(next, file).catch((error: unknown) => {
      if (!NO_LINKS.includes(codeOf(error))) throw error;
      return copyFile(next, file, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

async function present(file: string): Promise<string> {
  const text = textOf(file);
  if (text === null) throw new Error(`${file} is not there`);
  return text;
}

/** Null if there is no such file. */
function textOf(file: string): string | null {
  try {
    return read(file);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** What the system says has the name of the file in it; what we say has not. */
function read(file: string): string {
  try {
    return readRegular(file, SIZE_MAX).toString("utf8");
  } catch (error) {
    if (codeOf(error) !== "" || !(error instanceof Error)) throw error;
    throw new Error(`${file}: ${error.message}`, { cause: error });
  }
}

async function checkFolder(folder: string): Promise<void> {
  const nearest = nearestFolder(folder);
  refuseOther(nearest);
  await access(nearest, constants.W_OK);
}

/** What is there and is no folder, in words of ours: the system's say that it exists. */
function refuseOther(folder: string): void {
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
}

/** The folder itself, or the first above it that is there. */
function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** Windows has other rights than these, and a container's volume may know none. */
async function readableByOthers(paths: readonly string[]): Promise<readonly string[]> {
  if (platform() === "win32") return [];
  const open = [];
  for (const path of paths) {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) open.push(path);
  }
  if (open.length === 0) return [];
  return [
    `others than its owner can get at ${open.join(" and ")}: who reads the CA's key can pose as any server to bots that trust it; chmod go-rwx`,
  ];
}

function invalid(what: string, error: unknown): SquallError {
  if (error instanceof SquallError) return error;
  return new SquallError("SQ_INVALID_CA", `the CA in ${what} cannot be used: ${reasonOf(error)}`, {
    cause: error,
  });
}

function unshared(folder: string, error: unknown): SquallError {
  const text = `bots cannot be given the CA in ${folder}: ${reasonOf(error)}`;
  return new SquallError("SQ_INVALID_CA", text, { cause: error });
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
