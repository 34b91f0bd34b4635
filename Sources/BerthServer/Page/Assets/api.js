/** A refusal by the server, as its problem says it (RFC 9457). */
export class Problem extends Error {
  /** @param {number} status @param {object} body the problem+json, or what there is of it */
  constructor(status, body) {
    super(body.detail ?? body.title ?? `The server answered ${status}.`);
    this.status = status;
    this.body = body;
  }

  /** What was wrong, and where, in one sentence for people. */
  get sentence() {
    const { violations, errors } = this.body;
    if (violations) return violations.map(({ detail }) => detail).join("; ");
    if (errors) return errors.map(({ pointer, detail }) => `${pointer.replace(/^[/]/, "")} ${detail}`).join("; ");
    return this.message;
  }
}

/** A key that makes a repeated request happen once. `crypto.randomUUID` is missing on plain http. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sends a request with the session's cookie and gives the JSON of the answer, with its version as `etag`.
 * Throws a Problem for a refusal; sends whoever is signed out to sign in.
 */
export async function send(method, path, body, { key, ifMatch, signal } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (ifMatch) headers["If-Match"] = ifMatch;
  const response = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  if (response.status === 401) location.assign("/");
  const text = await response.text();
  const json = text ? JSON.parse(text) : {};
  if (!response.ok) throw new Problem(response.status, json);
  return Object.assign(json, { etag: response.headers.get("ETag") });
}

/** Reads a path. */
export const get = (path, options) => send("GET", path, undefined, options);
