// A question that has to be answered first. The browser's own dialog keeps focus inside and gives it back.

import { h } from "./dom.js";
import { t } from "./words.js";

// Resolves to the value of the answer that was pressed; empty when the question was put away.
export function ask(title, content, answers) {
  return new Promise((resolve) => {
    const buttons = answers.map(({ value, text, quiet }) =>
      h("button", { type: "button", class: quiet ? "quiet" : "", onclick: () => dialog.close(value) }, text));
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title" }, title), content,
      h("div", { class: "actions" }, buttons, h("button", { type: "button", class: "quiet", onclick: () => dialog.close("") }, t("dialog.cancel"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export const confirmation = async (title, content, text) => (await ask(title, content, [{ value: "yes", text }])) === "yes";
