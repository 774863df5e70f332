/** Names of schemas, and shapes that many of them need. */
import { z } from "zod";

/** Names of schemas, for `#/components/schemas/…`. */
export const names = z.registry<{ id: string }>();

export function named<T extends z.ZodType>(id: string, schema: T): T {
  names.add(schema, { id });
  return schema;
}

export const whole = (): z.ZodNumber => z.int().min(0);

export const texts = (): z.ZodArray<z.ZodString> => z.array(z.string());

export const anything = (): z.ZodRecord<z.ZodString, z.ZodUnknown> => z.record(z.string(), z.unknown());
