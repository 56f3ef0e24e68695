/*
 * Lists a workspace's usage from one day to another, and compares its sums with the summary's.
 *
 *     node list_usage.mts 2026-11-01 2026-11-30 > usage.tsv
 *
 * USAGE_URL is the API's address, USAGE_TOKEN the caller's token, USAGE_WORKSPACE the workspace. If
 * the program has stopped, set USAGE_CURSOR to the cursor that it printed, and it continues there.
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPTS = 6; // of one request
const TIMEOUT = 35_000; // ms; API Gateway answers after 29 s at the latest
const LONGEST_WAIT = 120; // seconds; if the service asks for more, the program stops
const RETRIED = [429, 500, 502, 503, 504];
const PLACES = 170; // more decimal places than credits can have

/** A number as its text: a JavaScript number would round long ids and credits. */
type NumberText = string;

interface Item {
  id: NumberText; // or chat-edited-<number>
  created_at: string;
  user_id: NumberText;
  source: "current" | "archived" | "edited";
  status: "succeeded" | "failed";
  credits: NumberText;
}

interface Page {
  items: Item[];
  next_cursor: string | null;
}

interface Summary {
  totals: { runs: NumberText; succeeded: NumberText; credits: NumberText };
}

interface Failure {
  message?: string;
  errors?: Record<string, string[]>;
}

/** The service refused the request, or did not answer it. */
class Stopped extends Error {}

function setting(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Stopped(`Set the environment variable ${name}.`);
  return value;
}

function parse(text: string): unknown {
  return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
    typeof value === "number" ? context!.source : value,
  );
}

/** Returns credits as an integer, in units of the last of their possible decimal places. */
function toUnits(amount: NumberText): bigint {
  const [whole = "", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(PLACES, "0"));
}

function fromUnits(units: bigint): NumberText {
  const digits = String(units < 0n ? -units : units).padStart(PLACES + 1, "0");
  const amount = `${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`.replace(/\.?0+$/, "");
  return units < 0n ? `-${amount}` : amount;
}

type Count = number | NumberText;

function describeSums(runs: Count, succeeded: Count, units: bigint): string {
  return `${runs} runs, ${succeeded} succeeded, ${fromUnits(units)} credits`;
}

function describe(response: Response, text: string): string {
  let body: Failure = {};
  try {
    body = parse(text) as Failure;
  } catch {
    // Not the API's answer, but one of something before it.
  }
  const errors = Object.values(body.errors ?? {}).flat();
  const message = errors.join(" ") || body.message || response.statusText;
  const id = response.headers.get("x-amzn-RequestId");
  return `HTTP ${response.status}: ${message} (request id ${id})`;
}

/** Returns the body of the 200. Tries again if the status is RETRIED or there is no answer. */
async function ask(path: string, query: Record<string, string>): Promise<unknown> {
  const headers = {
    Authorization: `Bearer ${setting("USAGE_TOKEN")}`,
    "x-workspace-id": setting("USAGE_WORKSPACE"),
  };
  const url = `${setting("USAGE_URL").replace(/\/+$/, "")}${path}?${new URLSearchParams(query)}`;
  for (let attempt = 0; ; attempt++) {
    let wait = 2 ** attempt;
    let problem: string;
    try {
      const signal = AbortSignal.timeout(TIMEOUT);
      const response = await fetch(url, { headers, signal, redirect: "manual" });
      const text = await response.text();
      if (response.ok) return parse(text);
      problem = describe(response, text);
      if (!RETRIED.includes(response.status)) throw new Stopped(problem);
      const retryAfter = response.headers.get("Retry-After") ?? "";
      if (/^\d+$/.test(retryAfter)) wait = Number(retryAfter);
    } catch (error) {
      if (error instanceof Stopped || !(error instanceof Error)) throw error;
      problem = `No answer: ${error.message} ${error.cause ?? ""}`;
    }
    if (wait > LONGEST_WAIT || attempt === ATTEMPTS - 1) throw new Stopped(problem);
    // Some more, so that clients that were refused together don't come back together.
    await sleep((wait + Math.random()) * 1000);
  }
}

/** Yields the items of each page, and the cursor of the next page ("" after the last). */
async function* pages(window: Record<string, string>, cursor: string) {
  do {
    const query = { ...window, per_page: "100", ...(cursor && { cursor }) };
    const page = (await ask("/workspaces/usage", query)) as Page;
    cursor = page.next_cursor ?? "";
    yield [page.items, cursor] as const;
  } while (cursor);
}

async function main(): Promise<number> {
  const [, , start_date, end_date, ...others] = process.argv;
  if (!start_date || !end_date || others.length > 0) {
    console.error("Name the first and the last day, such as 2026-11-01 2026-11-30.");
    return 1;
  }
  const window = { start_date, end_date };
  const firstCursor = process.env.USAGE_CURSOR ?? "";
  let cursor = firstCursor;
  let runs = 0;
  let succeeded = 0;
  let charged = 0n;
  let sums: string;
  let totals: Summary["totals"];
  try {
    for await (const [items, next] of pages(window, firstCursor)) {
      for (const item of items) {
        const { created_at, id, user_id, source, status, credits } = item;
        console.log([created_at, id, user_id, source, status, credits].join("\t"));
        runs += 1;
        succeeded += status === "succeeded" ? 1 : 0;
        charged += toUnits(credits);
      }
      cursor = next;
    }
    sums = describeSums(runs, succeeded, charged);
    if (firstCursor) {
      console.error(`From the cursor on: ${sums}`);
      return 0;
    }
    console.error(`The listing: ${sums}`);
    const query = { ...window, interval: "none" };
    totals = ((await ask("/workspaces/usage/summary", query)) as Summary).totals;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    console.error(error.message);
    if (cursor !== firstCursor) {
      console.error(`So far: ${describeSums(runs, succeeded, charged)}`);
      console.error(`To continue: USAGE_CURSOR=${cursor}`);
    }
    return 1;
  }
  const summary = describeSums(totals.runs, totals.succeeded, toUnits(totals.credits));
  console.error(`The summary: ${summary}`);
  console.error(summary === sums ? "They are equal." : "They differ.");
  return summary === sums ? 0 : 2;
}

process.exitCode = await main();
