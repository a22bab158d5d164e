// A line over days as inline SVG, with round numbers on its axis. Its text says the same to whoever can't see it.

import { money } from "./amounts.js";
import { h, svg } from "./dom.js";
import { locale, t } from "./words.js";

const HEIGHT = 250, LEFT = 66, RIGHT = 14, TOP = 12, BOTTOM = 30;
const narrow = matchMedia("(max-width: 40rem)"); // there, the same drawing would have letters of half the size
const STEPS = [1, 2, 2.5, 5, 10];

export function lineChart(title, points, currency, fromZero) {
  const width = narrow.matches ? 340 : 560;
  const values = points.map(({ value }) => Number(value)); // for places on a screen; amounts stay text
  const ticks = ticksOf(Math.min(...values, ...(fromZero ? [0] : [])), Math.max(...values, ...(fromZero ? [0] : [])));
  const [least, most] = [ticks[0], ticks.at(-1)];
  const dates = points.map(({ day }) => Date.parse(day));
  const [first, last] = [dates[0], dates.at(-1)];
  const x = (date) => LEFT + ((date - first) / (last - first || 1)) * (width - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - least) / (most - least || 1)) * (HEIGHT - TOP - BOTTOM);
  const line = points.map((_, place) => `${x(dates[place]).toFixed(1)},${y(values[place]).toFixed(1)}`).join(" ");
  const summary = t("chart.summary", {
    from: day(first), to: day(last), first: money(points[0].value, currency), last: money(points.at(-1).value, currency),
    least: money(points[values.indexOf(Math.min(...values))].value, currency), most: money(points[values.indexOf(Math.max(...values))].value, currency),
  });
  const tick = new Intl.NumberFormat(locale, { maximumFractionDigits: 2, notation: Math.max(...ticks.map(Math.abs)) >= 1e6 ? "compact" : "standard" });
  return h("figure", null,
    svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `${title}. ${summary}` },
      ticks.map((value) => svg("g", null,
        svg("line", { class: value === 0 && fromZero ? "zero" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
        svg("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, tick.format(value)))),
      daysShown(first, last, narrow.matches ? 3 : 5).map((date, place, all) =>
        svg("text", { class: "tick", x: x(date), y: HEIGHT - 8, "text-anchor": place === 0 ? "start" : place === all.length - 1 ? "end" : "middle" }, day(date))),
      svg("polyline", { class: "line", points: line }),
      points.map(({ day: name, value }, place) => svg("circle", { class: "dot", cx: x(dates[place]), cy: y(values[place]), r: points.length > 60 ? 2 : 3.5 },
        svg("title", null, `${day(Date.parse(name))}: ${money(value, currency)}`)))),
    h("figcaption", { class: "soft" }, summary));
}

// Four to eight round numbers that hold all values.
function ticksOf(least, most) {
  const span = most - least || Math.abs(most) || 1;
  const raw = span / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = STEPS.find((one) => one * power >= raw) * power;
  const start = Math.floor(least / step), end = Math.ceil(most / step);
  const whole = Math.max(end, start + 1);
  return Array.from({ length: whole - start + 1 }, (_, place) => Number(((start + place) * step).toPrecision(12)));
}

const DAY = 86_400_000;
function daysShown(first, last, most) {
  const count = Math.min(most, Math.round((last - first) / DAY) + 1);
  if (count < 2) return [first];
  return Array.from({ length: count }, (_, place) => first + Math.round(((last - first) / DAY) * (place / (count - 1))) * DAY);
}

const day = (date) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", day: "numeric", month: "short" }).format(date);
