/** Manifests against the schemas of Kubernetes' API, as `kubernetes-models` has them compiled, and for keys that these do not know. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { ROOT } from "../support/process.js";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}
type Model = new (data: object) => { validate: () => void };

/** The package has a module for each group and version; it is named at run time, since it is there for tests only. */
async function modelOf({ apiVersion, kind }: Manifest): Promise<Model> {
  const name = `kubernetes-models/${apiVersion}`;
  const module = (await import(/* @vite-ignore */ name)) as Readonly<Record<string, Model>>;
  const model = module[kind];
  if (model === undefined) throw new Error(`${apiVersion} has no ${kind}`);
  return model;
}

/** Notes which keys are looked at: a validator asks for all that its schema knows, so that the others are unknown. */
function watched(value: unknown, path: string, unseen: Set<string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
  for (const [key, item] of Object.entries(value)) {
    const inner = watched(item, `${path}/${key}`, unseen);
    unseen.add(`${path}/${key}`);
    Object.defineProperty(copy, key, {
      enumerable: true,
      get: () => {
        unseen.delete(`${path}/${key}`);
        return inner;
      },
    });
  }
  return copy;
}

async function mistakesIn(manifest: Manifest): Promise<string[]> {
  const Made = await modelOf(manifest);
  const unseen = new Set<string>();
  const model = new Made({});
  Object.assign(model, {});
  for (const key of Object.keys(model)) Reflect.deleteProperty(model, key);
  const copy = watched(manifest, "", unseen) as object;
  for (const key of Object.keys(copy))
    Object.defineProperty(model, key, Object.getOwnPropertyDescriptor(copy, key) ?? {});
  try {
    model.validate();
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return [...unseen].map((path) => `${path} is no key that Kubernetes knows`);
}

const FOLDERS = ["deploy/kubernetes", "examples/kubernetes"];
const MANIFESTS = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder)).flatMap((file) =>
    parseAllDocuments(readFileSync(join(ROOT, folder, file), "utf8")).map((document) => {
      const manifest = document.toJS() as Manifest;
      return { name: `${folder}/${file} ${manifest.kind}`, manifest };
    }),
  ),
);

const missing = !existsSync(join(ROOT, "node_modules/kubernetes-models"));

describe.skipIf(missing)(
  `a manifest${missing ? " (needs: npm install --no-save kubernetes-models@4.5.1)" : ""}`,
  () => {
    it.each(MANIFESTS)("$name is what its API takes", async ({ manifest }) => {
      expect(await mistakesIn(manifest)).toEqual([]);
    });

    it("finds what is wrong", async () => {
      const found = MANIFESTS.find(({ manifest }) => manifest.kind === "DaemonSet")?.manifest;
      const broken = (change: (text: string) => string): Promise<string[]> =>
        mistakesIn(JSON.parse(change(JSON.stringify(found))) as Manifest);
      expect(await broken((text) => text.replace('"readOnlyRootFilesystem"', '"readOnlyRoot"'))).toEqual([
        "/spec/template/spec/containers/0/securityContext/readOnlyRoot is no key that Kubernetes knows",
      ]);
      expect(await broken((text) => text.replace('"containerPort":8474', '"containerPort":"admin"'))).toEqual(
        [expect.stringContaining("containerPort must be integer")],
      );
      expect(await broken((text) => text.replace('"image":', '"images":'))).not.toEqual([]);
      expect(await broken((text) => text.replace('"selector":', '"selectors":'))).not.toEqual([]);
    });
  },
);
