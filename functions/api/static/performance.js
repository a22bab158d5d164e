// How it went: realised profit and loss day by day and summed up, and the equity where the broker tells it each day.

import { account as path, call } from "./api.js";
import { money, tone } from "./amounts.js";
import { lineChart } from "./chart.js";
import { h } from "./dom.js";
import { dayQuery, query, zoneQuery } from "./period.js";
import { table } from "./tables.js";
import { t } from "./words.js";

const profits = (id, period) => call(path(id, `/realised-pnl?${[period, zoneQuery()].filter(Boolean).join("&")}`));

export const performance = {
  async read(id, period) {
    const days = dayQuery();
    const [pnl, equity] = await Promise.all([profits(id, period), call(path(id, `/equity${days ? `?${days}` : ""}`))]);
    return { pnl, equity };
  },

  sums: profits,

  // What the period's trades came to, per currency.
  summary({ days, unknown_pnl: unknown }) {
    const currencies = [...new Set(days.map(({ currency }) => currency))];
    return h("div", { class: "sums", "data-key": "sums", role: "status" },
      currencies.map((currency) => sum(currency, days.filter((day) => day.currency === currency))),
      currencies.length ? null : h("p", { class: "soft" }, t("pnl.none")),
      unknown ? h("p", { class: "soft" }, t("pnl.unknown", { count: unknown })) : null);
  },

  show({ pnl, equity }) {
    const currencies = [...new Set(pnl.days.map(({ currency }) => currency))];
    return [performance.summary(pnl), h("div", { class: "charts", "data-key": "charts" },
      currencies.map((currency) => {
        const days = pnl.days.filter((day) => day.currency === currency);
        return chart(t("chart.pnl", { currency }), days.map(({ day, cumulative_pnl: value }) => ({ day, value })), currency, true, profitTable(days, currency));
      }),
      chart(t("chart.equity", { currency: equity.currency }), equity.days.filter(({ equity: value, balance }) => value ?? balance).map(({ day, equity: value, balance }) => ({ day, value: value ?? balance })), equity.currency, false, null),
    )];
  },
};

// The last day's sum is over the period, exact as the service calculated it.
function sum(currency, days) {
  const net = days.at(-1).cumulative_pnl;
  const trips = days.reduce((count, day) => count + day.round_trips, 0);
  return h("p", { "data-key": currency },
    h("span", { class: "soft" }, t("pnl.net")), " ", h("strong", { class: tone(net) }, money(net, currency, { sign: true })), " ",
    h("span", { class: "soft" }, t("pnl.trips", { count: trips })));
}

function chart(title, points, currency, fromZero, also) {
  return h("section", { class: "chart", "data-key": title },
    h("h3", null, title),
    points.length < 2 ? h("p", { class: "soft" }, t("chart.too_few")) : lineChart(title, points, currency, fromZero),
    also && points.length ? h("details", null, h("summary", null, t("chart.table")), also) : null);
}

const profitTable = (days, currency) =>
  table(t("chart.pnl", { currency }), [
    ["col.day", false, ({ day }) => day],
    ["col.trips", true, ({ round_trips: count }) => t("count", { count })],
    ["col.gross", true, (day) => money(day.gross_pnl, currency, { sign: true })],
    ["col.fees", true, (day) => money(day.fees, currency)],
    ["col.net", true, (day) => money(day.net_pnl, currency, { sign: true })],
    ["col.sum", true, (day) => money(day.cumulative_pnl, currency, { sign: true })],
  ], [...days].reverse(), { empty: "", key: ({ day }) => day });
