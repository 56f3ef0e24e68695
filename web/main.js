// The page: signs in, and shows what the address asks for.

import { onAddressChange, readAddress } from "./address.js";
import { connect } from "./api.js";
import { dashboard } from "./dashboard.js";
import { setting } from "./dom.js";
import { exportList } from "./exports.js";
import { preferredLocale, t, useLocale } from "./i18n.js";
import { signInScreen } from "./signin.js";

const app = document.getElementById("app");
let session = null;
let screen = null;
let locale = "";

function signOut(message, workspace) {
  session?.client.close();
  session = screen = null;
  app.replaceChildren(signInScreen({ enter, message, workspace }));
  document.getElementById("token").focus({ preventScroll: true });
}

function open() {
  screen = dashboard(session);
  app.replaceChildren(screen.element, session.exports.element);
  return screen.show(readAddress());
}

// Signs in, if the API accepts the token and the workspace.
async function enter(token, workspace) {
  const client = connect(token, workspace);
  await client.summarize({ range: "1d", interval: "none" });
  const leave = (message) => client === session?.client && signOut(message, workspace);
  const expired = () => leave(t("error_401"));
  session = { client, leave, expired, exports: exportList(client, expired) };
  await open();
  document.querySelector("h1").focus();
}

function show() {
  const asked = readAddress();
  const wanted = asked.lang || preferredLocale(setting("default-locale"));
  document.documentElement.dataset.theme = asked.theme;
  if (wanted === locale) return screen?.show(asked);
  locale = wanted;
  useLocale(locale);
  if (!session) return signOut();
  session.client.forget();
  open();
  document.querySelector("select").focus();
}

onAddressChange(show);
show();
