/** What a bot takes for the id of a job, a bot or a lease: something that fits into a path as it is. */
import { z } from "zod";

export const Id = z.string().regex(/^[\w.-]{1,200}$/u);
