// Says what went wrong, and what can be done about it.

import { h, plain } from "./dom.js";
import { labelOf, t } from "./i18n.js";

const TITLED = [0, 403, 422, 429];

export const isForLater = ({ status }) => status === 0 || status === 429 || status >= 500;

const title = ({ status }) => t(`error_${TITLED.includes(status) ? status : 503}`);

// The API's words, in the reader's language, or the page's own.
export const words = (problem) => plain(problem.message, 300) || title(problem);

// The messages of a 422, each with the name of its field.
export const fieldMessages = ({ fields }) => Object.entries(fields).flatMap(([field, messages]) =>
  messages.map((message) => [plain(labelOf(field, field), 40), plain(message, 300)]));

// A button that waits as long as the API asked to wait.
export function retryButton(seconds, retry, style) {
  const button = h("button", { class: style, onclick: retry });
  const until = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${t("retry")} (${left} s)` : t("retry");
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
  return button;
}

// Returns an alert. `retry` asks again; `reset` clears the filters, if these may be the cause.
export function problemAlert(problem, retry, reset) {
  const { status, requestId, retryAfter } = problem;
  const messages = fieldMessages(problem);
  const isRefused = status === 403 || status === 422;
  return h("div.problem", { role: "alert" },
    h("h2", title(problem)),
    messages.length
      ? h("ul", messages.map(([field, message]) => h("li", h("b", field), " ", message)))
      : !isForLater(problem) && h("p", plain(problem.message, 300)),
    h("p.actions",
      isRefused && reset && h("button.primary", { onclick: reset }, t("reset")),
      !isRefused && retry && retryButton(retryAfter, retry, "primary")),
    requestId && h("p.small", t("request_id"), " ", plain(requestId)));
}
