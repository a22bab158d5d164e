// What is synced together (mostly one account): how it stands, why, and the one right button.

import { account as path, call } from "./api.js";
import { h } from "./dom.js";
import { ask } from "./dialog.js";
import { isAtWork } from "./live.js";
import { runStrip } from "./runs.js";
import { schedule } from "./schedule.js";
import { act, state } from "./state.js";
import { dayOnly, inOwnZone, timeAndDistance, timeOf } from "./times.js";
import { t } from "./words.js";

// `heading` stands in the place of the accounts' names where they are said already.
export function groupCard(group, heading = null) {
  const { id, accounts, sync } = group;
  return h("article", { class: "group", id: `group-${id}`, "data-key": id, tabindex: "-1", "aria-labelledby": `accounts-${id}` },
    h("div", { class: "title", "data-key": "title" },
      h("div", { id: `accounts-${id}`, class: "accounts" }, heading ?? accounts.map(accountName)),
      badge(sync)),
    progress(sync),
    trouble(group),
    facts(sync),
    whyNothingNewer(sync),
    sync.coverage.holes ? h("p", { class: "note", "data-key": "holes" }, t("coverage.holes", { count: sync.coverage.holes })) : null,
    runStrip(group),
    h("div", { class: "actions", "data-key": "actions" }, syncButton(group), schedule(group)),
    said(id));
}

const said = (id) => {
  const answer = state.answers.get(id);
  return h("p", { class: answer?.bad ? "said bad" : "said", "data-key": "said", role: "status" }, answer?.text);
};

function accountName({ account_id: id, name, masked_number: number, currency }) {
  const facts = [name ? number : "", currency].filter(Boolean).join(" · ");
  if (!number) return h("h3", { "data-key": id }, t("account.unknown"));
  return h("h3", { "data-key": id }, h("a", { href: `#/account/${id}` }, name || number), facts ? h("span", { class: "soft" }, ` ${facts}`) : null);
}

export const badge = (sync) =>
  h("span", { class: "badge", "data-status": sync.status, "aria-live": "polite" }, inOwnZone(sync.badge, sync.retry_at));

// How far a long load is. One that goes on in later runs is told while it waits for them, too.
function progress({ load, status }) {
  if (["failed", "needs_review"].includes(status)) return null; // nothing goes on until somebody acts
  if (!load) return status === "syncing" ? h("div", { class: "bar", "data-key": "progress" }) : null;
  const reached = load.reached ? [" ", t("progress.reached"), " ", timeOf(load.reached, { seconds: false }), "."] : [];
  return h("div", { class: "progress", "data-key": "load" },
    h("div", { class: "bar" }),
    h("p", null, t(`progress.${load.kind}`), load.trades ? [" ", t("progress.trades", { count: load.trades })] : null, reached));
}

function trouble(group) {
  const { error, status, action } = group.sync;
  if (!error) return null;
  return h("div", { class: "error", "data-key": "error", "data-status": status },
    h("p", null, error.message),
    error.detail ? h("p", { class: "soft", lang: "en" }, error.detail) : null,
    h("p", { class: "step" }, error.next_step),
    action === "reconnect" || action === "review" ? h("p", { class: "actions" }, remedy(group)) : null);
}

function remedy(group) {
  if (group.sync.action === "review") {
    return h("button", { type: "button", onclick: () => review(group) }, t("action.review"));
  }
  return h("a", { class: "button", href: `#/update/${group.connection.connection_id}` }, t("action.reconnect"));
}

async function review({ id, sync }) {
  const decision = await ask(t("review.title"),
    [h("p", null, sync.error.message), sync.error.detail ? h("p", { class: "soft", lang: "en" }, sync.error.detail) : null, h("p", null, t("review.help"))],
    [{ value: "accept", text: t("review.accept") }, { value: "read_again", text: t("review.read_again"), quiet: true }]);
  if (decision) await act(id, () => call(path(id, "/review"), { method: "POST", body: { decision } }));
}

// The broker's rule in its manifest's words, and how far its own data reaches where it says so.
function whyNothingNewer({ news_note: rule, coverage: { waterline } }) {
  if (!rule && !waterline) return null;
  return h("p", { class: "note", "data-key": "note" },
    h("span", { lang: "en" }, rule), waterline ? [" ", t("coverage.waterline"), " ", timeOf(waterline, { seconds: false }), "."] : null);
}

function facts(sync) {
  const { start, end } = sync.coverage;
  const from = start ? [t("coverage.from"), " ", dayOnly(start), " "] : [];
  const next = sync.next_sync_at ? timeAndDistance(sync.next_sync_at) : t(sync.sync_enabled ? "fact.none" : "fact.off");
  const rows = [
    ["fact.succeeded", sync.last_successful_sync_at ? timeAndDistance(sync.last_successful_sync_at) : t("fact.never")],
    ["fact.attempted", sync.last_attempted_sync_at ? timeAndDistance(sync.last_attempted_sync_at) : t("fact.never")],
    ["fact.next", isAtWork(sync) ? t("fact.now") : next],
    ["fact.coverage", end ? [from, t("coverage.to"), " ", timeOf(end, { seconds: false })] : t("fact.unknown")],
  ];
  return h("dl", { class: "facts", "data-key": "facts" }, rows.map(([name, value]) => h("div", null, h("dt", null, t(name)), h("dd", null, value))));
}

function syncButton({ id, sync }) {
  if (["reconnect", "review"].includes(sync.action)) return null; // a sync would change nothing
  const busy = isAtWork(sync) || state.doing.has(id);
  const text = sync.status === "syncing" ? "action.syncing" : busy ? "action.queued" : sync.action ? "action.try_again" : "action.sync";
  const sync_now = () => busy || act(id, () => call(path(id, "/sync"), { method: "POST" }));
  // Not `disabled`: a button that loses the keyboard's focus while one waits for it is lost.
  return h("button", { type: "button", class: sync.action ? "" : "quiet", "aria-disabled": String(Boolean(busy)), onclick: sync_now }, t(text));
}
