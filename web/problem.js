// Says what went wrong, and what can be done about it.

import { h, plain } from "./dom.js";
import { t } from "./i18n.js";
import { retryButton } from "./retry.js";

// The page's words for the API's fields.
const FIELDS = { start_date: "from", end_date: "to", range: "range", user_id: "user", type: "type", "x-workspace-id": "workspace_id" };

const TITLES = { 0: "network", 403: "403", 422: "422", 429: "429" };

// Whether the same request may succeed later.
export const isForLater = ({ status }) => status === 0 || status === 429 || status >= 500;

const title = ({ status }) => t(`error_${TITLES[status] ?? (status >= 500 ? "503" : "other")}`);

// The API's words, in the reader's language, or the page's own.
export const words = (problem) => plain(problem.message, 300) || title(problem);

// Returns the messages of a 422, each with the name of its field.
export const fieldMessages = ({ fields }) => Object.entries(fields).flatMap(([field, messages]) =>
  messages.map((message) => [FIELDS[field] ? t(FIELDS[field]) : plain(field, 40), plain(message, 300)]));

// Returns an alert. `retry` asks again; `reset` clears the filters, if these may be the cause.
export function problemAlert(problem, retry, reset) {
  const { status, requestId, retryAfter } = problem;
  const messages = fieldMessages(problem);
  const isRefused = status === 403 || status === 422;
  return h("div.problem", { role: "alert" },
    h("h2", title(problem)),
    messages.length
      ? h("ul", messages.map(([field, message]) => h("li", h("b", field), " ", message)))
      : h("p", status === 0 ? t("error_network_detail") : plain(problem.message, 300)),
    h("p.actions",
      isRefused && reset && h("button.primary", { onclick: reset }, t("reset")),
      !isRefused && retry && retryButton(retryAfter, retry, "primary")),
    requestId && h("p.small", t("request_id"), " ", h("code", plain(requestId))));
}
