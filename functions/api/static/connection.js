// A card: one connection to a broker, how it stands, and what can be done with it as a whole.

import { call, connection as path } from "./api.js";
import { h } from "./dom.js";
import { confirmation } from "./dialog.js";
import { act, brokerName, state } from "./state.js";
import { t } from "./words.js";

export function connectionCard(connection, groups) {
  const { connection_id: id, environment, status } = connection;
  return h("article", { class: "card", id: `connection-${id}`, tabindex: "-1", "data-key": id, "aria-labelledby": `name-${id}` },
    h("div", { class: "title" },
      h("h2", { id: `name-${id}` }, brokerName(connection), " ", h("span", { class: "soft" }, environment)),
      groups.length ? null : h("span", { class: "badge", "data-status": BADGES[status], "aria-live": "polite" }, t(`connection.${status}`))),
    groups.length ? groups : waiting(connection),
    h("div", { class: "manage" },
      h("a", { class: "button plain", href: `#/update/${id}` }, t("connection.update")),
      h("button", { type: "button", class: "plain", onclick: () => disconnect(connection) }, t("connection.disconnect")),
      h("span", { class: "said", role: "status" }, state.answers.get(id)?.text)));
}

const BADGES = { checking: "syncing", reauth_required: "failed", error: "failed", disconnected: "pending" };

function waiting({ connection_id: id, status, error }) {
  if (!error) return h("p", { class: "soft" }, t(`connection.${status}.help`));
  return h("div", { class: "error", "data-status": "failed" },
    h("p", null, error.message), error.detail ? h("p", { class: "soft", lang: "en" }, error.detail) : null,
    h("p", { class: "step" }, error.next_step),
    status === "reauth_required" ? h("p", null, h("a", { class: "button", href: `#/update/${id}` }, t("action.reconnect"))) : null);
}

async function disconnect(connection) {
  const id = connection.connection_id;
  const erase = h("input", { type: "checkbox", id: `erase-${id}` });
  const sure = await confirmation(
    t("disconnect.title", { broker: brokerName(connection) }),
    [h("p", null, t("disconnect.help")), h("p", { class: "choice" }, erase, h("label", { for: erase.id }, t("disconnect.erase")))],
    t("connection.disconnect"));
  if (sure) await act(id, () => call(`${path(id)}${erase.checked ? "?erase=true" : ""}`, { method: "DELETE" }));
}
