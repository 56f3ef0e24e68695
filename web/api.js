// Calls the API. The token is kept in a closure here, and nowhere else.

import { acceptLanguage } from "./i18n.js";
import { parseExactly } from "./json.js";

// A stage's name may come first in the API's paths.
export const ROOT = new URL("../../", import.meta.url);

const FRESH = 60_000;

// Why a request failed. `status` is 0 if there was no answer.
export class Problem extends Error {
  constructor(status, body, headers) {
    super(body?.message ?? "");
    this.status = status;
    this.fields = body?.errors ?? {};
    this.retryAfter = Number(headers?.get("Retry-After")) || 0;
    this.requestId = headers?.get("x-amzn-RequestId") ?? "";
  }
}

export function connect(token, workspace) {
  const answers = new Map();
  const closing = new AbortController();

  async function send(method, path, body) {
    let response, text;
    try {
      response = await fetch(new URL(`workspaces/usage${path}`, ROOT), {
        method,
        body,
        headers: {
          Authorization: `Bearer ${token}`,
          "x-workspace-id": workspace,
          "Accept-Language": acceptLanguage(),
          ...(body && { "Content-Type": "application/json" }),
        },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: closing.signal,
      });
      text = await response.text();
    } catch {
      throw new Problem(0);
    }
    const content = parseExactly(text);
    if (response.ok && content) return content;
    throw new Problem(response.ok ? 503 : response.status, content, response.headers);
  }

  // Answers are kept for a minute, as the API itself keeps them.
  function get(path, parameters) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
    const key = `${path}?${query}`;
    const known = answers.get(key);
    if (known && Date.now() - known.since < FRESH) return known.answer;
    const answer = send("GET", key);
    answers.set(key, { answer, since: Date.now() });
    answer.catch(() => answers.delete(key));
    return answer;
  }

  return {
    workspace,
    list: (parameters) => get("", parameters),
    summarize: (parameters) => get("/summary", parameters),
    startExport(format, { user_id, ...others }) {
      // JavaScript's numbers can't hold 19 digits.
      const fields = Object.entries({ format, ...others }).filter(([, value]) => value);
      const json = JSON.stringify(Object.fromEntries(fields));
      const user = /^[1-9]\d*$/.test(user_id) ? user_id : JSON.stringify(user_id);
      return send("POST", "/exports", user_id ? `${json.slice(0, -1)},"user_id":${user}}` : json);
    },
    readExport: (id) => send("GET", `/exports/${encodeURIComponent(id)}`),
    forget: () => answers.clear(),
    close: () => closing.abort(),
    isClosed: () => closing.signal.aborted,
  };
}
