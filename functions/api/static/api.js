// Requests to the API. Every address is relative, so the page works under any path.

import { accessToken, session, SignedOutError } from "./session.js";
import { language, t } from "./words.js";

const TIMEOUT = 20_000; // ms

export class ProblemError extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? t("problem.unexpected"));
    this.status = status;
    this.code = problem.code ?? "";
    this.step = problem.next_step ?? "";
    this.fields = problem.errors ?? [];
    this.limit = problem.limit ?? null;
    this.retryAfter = retryAfter;
  }
}

export const wordsOf = (error) =>
  error instanceof ProblemError ? `${error.message} ${error.step}`.trim() : t("problem.unreachable");

const seen = new Map(); // path -> {etag, body} of the last answer

// The answer's body. A GET that has not changed costs next to nothing: the service says so, and what we have is returned.
export async function call(path, { method = "GET", body, again = false } = {}) {
  const owner = session();
  const token = await accessToken();
  // One key for all tries: the service answers a repeated request as it did the first one, and does it once.
  const key = method === "POST" ? crypto.randomUUID() : "";
  const first = await send(path, method, body, key, token).catch((error) => {
    if (!key || owner !== session()) throw error;
    return send(path, method, body, key, token);
  });
  const answer = first.status === 401 ? await send(path, method, body, key, await accessToken(token)) : first;
  if (owner !== session()) throw new SignedOutError(); // it came for somebody who is not here any more
  if (answer.status === 304) return again ? undefined : seen.get(path).body;
  const read = await answer.json().catch(() => ({}));
  if (owner !== session() || answer.status === 401) throw new SignedOutError();
  if (!answer.ok) throw new ProblemError(answer.status, read, Number(answer.headers.get("retry-after")) || 0);
  if (method === "GET" && answer.headers.get("etag")) seen.set(path, { etag: answer.headers.get("etag"), body: read });
  return read;
}

// What changed since the last look, or undefined when nothing did.
export const news = (path) => call(path, { again: true });

// Everything that is known of a signed-in person is forgotten with the session, and after a change of language.
export const forgetAnswers = () => seen.clear();

function send(path, method, body, key, token) {
  const headers = { authorization: `Bearer ${token}`, "accept-language": language };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key) headers["idempotency-key"] = key;
  if (method === "GET" && seen.has(path)) headers["if-none-match"] = seen.get(path).etag;
  return fetch(path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store", signal: AbortSignal.timeout(TIMEOUT),
  });
}

export const account = (id, rest = "") => `trading-accounts/${encodeURIComponent(id)}${rest}`;
export const connection = (id) => `connections/${encodeURIComponent(id)}`;
