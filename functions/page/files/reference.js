// Shows the API's document with Swagger UI. Addresses are relative: a stage's name may come first.
"use strict";

const LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

const reference = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  // Otherwise a badge would be loaded from Swagger's own server.
  validatorUrl: "none",
  // The token stays in this page's memory, until the page is left.
  persistAuthorization: false,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  onComplete: authorizeDemo,
});

// Uses the demo's token, if `make run` serves this page with the demo. No deployment has this
// address, and none is asked for it.
async function authorizeDemo() {
  if (!LOCAL_HOSTS.includes(location.hostname)) return;
  const response = await fetch("_local/stack");
  if (!response.ok) return;
  const { demo } = await response.json();
  if (demo) reference.preauthorizeApiKey("token", demo.token);
}
