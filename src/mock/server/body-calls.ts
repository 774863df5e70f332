/**
 * The calls that carry large bodies: a job submitted with its payload as the body, payloads fetched in whole or
 * in part, artifacts uploaded at once or by and by. Nothing here holds a body in memory.
 */
import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { lookedAt } from "../looked-at.js";
import { NewJob, badQuery, idempotencyKey, type Rooms } from "./api.js";
import type { Blob } from "./blobs.js";
import { digestHeader, readDigest } from "./digest.js";
import type { Job } from "./job.js";
import { requestedSpan, sentSpan } from "./ranges.js";
import { Refusal } from "./refusal.js";
import { bodyOf, detail } from "./views.js";
import type { Call, Reply, Route } from "./wire.js";

/** What the part files of uploads under one lease are named by. */
export const uploadPrefix = (job: string, lease: string): string => `${job}_${lease}_`;

/** `POST /v1/jobs` with a body of bytes: what JSON would say of the job is in the query. */
export function submitBody({ store, blobs }: Rooms): (call: Call) => Promise<Reply> {
  return async (call) => {
    const { request, query } = call;
    const key = idempotencyKey(call);
    const spec = specOf(query);
    const digest = readDigest(request.headers["digest"]);
    const span = sentSpan(undefined, request.headers["content-length"]);
    const upload = { key: randomUUID(), source: request, span, digest };
    const body = await blobs.receive(upload).catch(async (error: unknown) => {
      // Nobody knows the key, so nobody can go on with it.
      await blobs.drop(upload.key);
      throw error;
    });
    if (body === null) throw new Refusal("bad_request", "The body ended early.");
    let kept = false;
    try {
      const { job, repeated } = store.submit(spec, key, body);
      kept = !repeated;
      await store.flushed();
      const headers = { location: `/v1/jobs/${job.id}` };
      return { status: repeated ? 200 : 201, body: detail(job), headers };
    } finally {
      if (!kept) blobs.remove(body);
    }
  };
}

function specOf(query: URLSearchParams): ReturnType<typeof NewJob.parse> {
  const payload = query.get("payload");
  const given = {
    type: query.get("type") ?? undefined,
    payload: payload === null ? null : parsed(payload),
    depends_on: query.getAll("depends_on"),
    timeout: query.get("timeout"),
    priority: Number(query.get("priority") ?? 0),
  };
  const result = lookedAt(NewJob, given);
  if (result.success) return result.data;
  const reasons = result.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Refusal("bad_request", "The query is not what this call takes.", { reasons });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badQuery("payload", "expected JSON");
  }
}

export function bodyRoutes({ store, bots, blobs }: Rooms): Route[] {
  const serve = ({ request }: Call, blob: Blob): Reply => {
    const { "authorization": _, range, "if-range": ifRange } = request.headers;
    const etag = `"${blob.digest}"`;
    const span = ifRange === undefined || ifRange === etag ? requestedSpan(range, blob.bytes) : null;
    const length = span ? span.end - span.start + 1 : blob.bytes;
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": String(length),
      "accept-ranges": "bytes",
      "digest": digestHeader(blob.digest),
      etag,
      ...(span && { "content-range": `bytes ${span.start}-${span.end}/${blob.bytes}` }),
    };
    const stream = (): Readable => (length === 0 ? Readable.from([]) : blobs.read(blob, span));
    return { status: span ? 206 : 200, headers, ...(request.method === "HEAD" ? {} : { stream }) };
  };

  const payload = (call: Call): Reply => {
    bots.authenticate(call.request.headers.authorization);
    const job = store.get(call.id);
    return job.body ? serve(call, job.body) : inline(call, job);
  };

  const artifactOf = (call: Call): Blob | undefined => store.get(call.id).artifacts[checkName(call.name)];

  const fetchArtifact = (call: Call): Reply => {
    bots.authenticate(call.request.headers.authorization);
    const artifact = artifactOf(call);
    if (artifact) return serve(call, artifact);
    throw new Refusal("not_found", `The job has no artifact ${call.name}.`);
  };

  /** How far an upload has come, for those who want to go on with it. */
  const artifactHead = async (call: Call): Promise<Reply> => {
    const bot = bots.authenticate(call.request.headers.authorization);
    const artifact = artifactOf(call);
    const { lease } = store.get(call.id);
    if (lease?.bot === bot.id) {
      const offset = await blobs.offset(uploadPrefix(call.id, lease.id) + call.name);
      if (offset > 0)
        return { status: 200, headers: { "upload-offset": String(offset), "upload-complete": "?0" } };
    }
    if (!artifact) return { status: 404, headers: { "upload-offset": "0" } };
    const { status, headers } = serve(call, artifact);
    return {
      status,
      headers: { ...headers, "upload-offset": String(artifact.bytes), "upload-complete": "?1" },
    };
  };

  const putArtifact = async (call: Call): Promise<Reply> => {
    const { request, id, query } = call;
    const bot = bots.authenticate(request.headers.authorization);
    const name = checkName(call.name);
    const digest = readDigest(request.headers["digest"]);
    const span = sentSpan(request.headers["content-range"], request.headers["content-length"]);
    const known = artifactOf(call);
    const held = store.heldBy(bot.id, id, query.get("lease_id"));
    // The answer got lost: what is here already is not taken again, however much of it is sent.
    if (known && known.digest === digest)
      return { status: 200, body: { job_id: id, name, ...bodyOf(known), repeated: true } };
    const key = uploadPrefix(id, held.lease.id) + name;
    const blob = await blobs.receive({ key, source: request, span, digest });
    if (blob === null) {
      const offset = await blobs.offset(key);
      return { status: 202, body: { offset }, headers: { "upload-offset": String(offset) } };
    }
    let replaced: Blob | undefined = blob;
    try {
      // The upload may have taken longer than the lease held.
      replaced = store.attach(store.heldBy(bot.id, id, held.lease.id), name, blob);
      await store.flushed();
    } finally {
      if (replaced) blobs.remove(replaced);
    }
    return { status: 201, body: { job_id: id, name, ...bodyOf(blob), repeated: false } };
  };

  const artifact = "/v1/jobs/:id/artifacts/:name";
  return [
    { method: "GET", path: "/v1/jobs/:id/payload", answer: payload },
    { method: "HEAD", path: "/v1/jobs/:id/payload", answer: payload },
    { method: "GET", path: artifact, answer: fetchArtifact },
    { method: "HEAD", path: artifact, answer: artifactHead },
    { method: "PUT", path: artifact, answer: putArtifact },
  ];
}

/** The payload of a job that was submitted as JSON; it is small, so it needs no ranges of its own. */
function inline({ request }: Call, job: Job): Reply {
  const bytes = Buffer.from(JSON.stringify(job.spec.payload));
  const digest = createHash("sha256").update(bytes).digest("base64");
  const etag = `"${digest}"`;
  const { range, "if-range": ifRange } = request.headers;
  const span = ifRange === undefined || ifRange === etag ? requestedSpan(range, bytes.length) : null;
  const part = span ? bytes.subarray(span.start, span.end + 1) : bytes;
  const headers = {
    "content-type": "application/json",
    "content-length": String(part.length),
    "accept-ranges": "bytes",
    "digest": digestHeader(digest),
    etag,
    ...(span && { "content-range": `bytes ${span.start}-${span.end}/${bytes.length}` }),
  };
  const stream = (): Readable => Readable.from([part]);
  return { status: span ? 206 : 200, headers, ...(request.method === "HEAD" ? {} : { stream }) };
}

function checkName(name: string): string {
  if (/^[\w-][\w.-]{0,99}$/u.test(name)) return name;
  throw new Refusal(
    "bad_request",
    "An artifact's name has 1 to 100 letters, digits, dots, dashes and underscores.",
  );
}
