// The first screen: one answer for everything, then a card per connection.

import { h } from "./dom.js";
import { groupCard } from "./group.js";
import { connectionCard } from "./connection.js";
import { brokerName, brokerOf, state } from "./state.js";
import { distance, inOwnZone, timeOf } from "./times.js";
import { groupsOf, isLive, trust } from "./trust.js";
import { parts, t } from "./words.js";

export function overview() {
  const live = state.connections.filter(isLive);
  const ended = state.connections.filter((connection) => !isLive(connection));
  const cards = live.sort(byUrgency).map((connection) =>
    connectionCard(connection, groupsOf(connection, brokerOf(connection)).filter(({ sync }) => sync).map((group) => groupCard(group))));
  return [
    answer(live),
    h("div", { class: "cards", "data-key": "cards" }, cards),
    live.length ? h("p", { class: "more", "data-key": "more" }, h("a", { class: "button quiet", href: "#/connect" }, t("connect.another"))) : null,
    ended.length ? disconnected(ended) : null,
  ];
}

const RANK = { failed: 0, needs_review: 1, partial: 2, pending: 3, syncing: 4, synced: 4 };
const urgency = ({ status, accounts }) =>
  status === "reauth_required" || status === "error" ? 0 : Math.min(...accounts.map(({ sync }) => RANK[sync.status]), 4);
// What needs its owner stands first; everything else keeps its place while it syncs.
const byUrgency = (a, b) =>
  Math.min(urgency(a), 3) - Math.min(urgency(b), 3) || brokerName(a).localeCompare(brokerName(b)) ||
  a.connection_id.localeCompare(b.connection_id);

function answer(live) {
  const seen = trust(live.flatMap((connection) => groupsOf(connection, brokerOf(connection))));
  const { verdict, concerned: count, total } = seen;
  return h("section", { class: "answer", "data-verdict": verdict, "data-key": "answer", "aria-labelledby": "answer-headline" },
    h("div", { "aria-live": "polite" },
      h("p", { class: "question" }, t("trust.question")),
      h("h2", { id: "answer-headline", class: "headline" }, t(`trust.${verdict}`, { count, total }))),
    h("p", { class: "basis" }, basis(seen)),
    seen.worries.length ? h("ul", { class: "worries" }, seen.worries.map(worry)) : null,
    verdict === "none" ? h("p", null, h("a", { class: "button", href: "#/connect" }, t("connect.first"))) : null);
}

function basis(seen) {
  if (seen.verdict === "none") return t("trust.none.help");
  const sentences = [];
  if (seen.oldest) sentences.push(parts("trust.oldest", { time: [timeOf(seen.oldest), ` (${distance(seen.oldest)})`] }));
  else if (seen.verdict !== "good") sentences.push(t("trust.never"));
  if (seen.syncing) sentences.push(t("trust.syncing", { count: seen.syncing }));
  else if (seen.next && Date.parse(seen.next) > Date.now()) sentences.push(parts("trust.next", { time: [timeOf(seen.next), ` (${distance(seen.next)})`] }));
  return sentences.map((sentence) => [sentence, " "]);
}

function worry({ id, sync, accounts, connection }) {
  const badge = sync ? inOwnZone(sync.badge, sync.retry_at) : t(`connection.${connection.status}`);
  const names = accounts.map(({ name, masked_number: number }) => name || number).filter(Boolean).join(", ");
  const where = `#${sync ? "group" : "connection"}-${id}`;
  const open = (event) => {
    event.preventDefault(); // the address is the view's
    const card = document.querySelector(where);
    card?.scrollIntoView({ block: "start" });
    card?.focus();
  };
  return h("li", { "data-key": id },
    h("a", { href: where, onclick: open }, [brokerName(connection), names].filter(Boolean).join(" ")),
    ": ", badge);
}

function disconnected(connections) {
  return h("details", { class: "ended", "data-key": "ended" },
    h("summary", null, t("ended.title", { count: connections.length })),
    h("ul", null, connections.map((connection) => h("li", { "data-key": connection.connection_id },
      h("strong", null, brokerName(connection)), " ",
      connection.accounts.map(({ account_id: id, name, masked_number: number }) =>
        [h("a", { href: `#/account/${id}` }, name || number || t("account.unknown")), " "]),
      erasure(connection)))));
}

function erasure({ erasure: receipt }) {
  if (!receipt) return h("span", { class: "soft" }, t("ended.kept"));
  const rows = Object.values(receipt.counts).reduce((sum, count) => sum + count, 0);
  if (!receipt.finished_at) return h("span", { class: "soft" }, t("ended.erasing", { count: rows }));
  return h("span", { class: "soft" }, parts("ended.erased", { count: rows, time: timeOf(receipt.finished_at) }));
}
