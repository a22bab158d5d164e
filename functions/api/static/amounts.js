// Amounts come as decimal text and stay exact: a browser formats such text digit by digit, without a float between.

import { locale } from "./words.js";

const DIGITS = { maximumFractionDigits: 20 };

export const number = (text) => (text === null || text === undefined ? "" : new Intl.NumberFormat(locale, DIGITS).format(text));

export function money(text, currency, { sign = false } = {}) {
  if (text === null || text === undefined) return "";
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: sign ? "exceptZero" : "auto" };
  return `${new Intl.NumberFormat(locale, options).format(text)} ${currency}`.trim();
}

export const tone = (text) => (!text || Number(text) === 0 ? "" : Number(text) > 0 ? "gain" : "loss");
