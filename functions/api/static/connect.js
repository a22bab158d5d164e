// Connect a broker, or enter new credentials: a form made of what the broker's manifest asks for. Secrets go out with the
// request and are kept nowhere else: not in the page's state, not in its storage, and their fields are emptied after it.

import { call, connection as path, ProblemError, wordsOf } from "./api.js";
import { h } from "./dom.js";
import { SignedOutError } from "./session.js";
import { brokerName, state } from "./state.js";
import { isLive } from "./trust.js";
import { t } from "./words.js";

export const connectScreen = () => [
  back(),
  h("section", { class: "card" },
    h("h2", { tabindex: "-1", "data-focus": true }, t("connect.title")),
    h("p", null, t("connect.choose")),
    h("ul", { class: "brokers" }, [...state.brokers.values()].map(({ slug, name, environments }) =>
      h("li", null, h("a", { class: "button quiet", href: `#/connect/${slug}` }, name, h("span", { class: "soft" }, environments.join(", "))))))),
];

export function credentialsScreen(slug, done) {
  const broker = state.brokers.get(slug);
  if (!broker) return [back(), h("p", null, t("connect.unknown"))];
  const others = state.connections.filter((one) => one.broker === slug && isLive(one));
  return screen(t("connect.to", { broker: broker.name }), broker, t("connect.submit"), done, {
    above: [environment(broker)],
    below: [broker.capabilities.accounts === "account" ? numbers() : null, others.length ? replaces(others) : null],
    send: (form, credentials) => call("connections", {
      method: "POST",
      body: {
        broker: slug, environment: form.elements.environment.value, credentials,
        broker_account_ids: form.elements.numbers?.value.split(/[\s,;]+/).filter(Boolean) ?? [],
        replaces: form.elements.replaces?.value ?? "",
      },
    }),
  });
}

export function updateScreen(id, done) {
  const connection = state.connections.find((one) => one.connection_id === id);
  const broker = state.brokers.get(connection?.broker);
  if (!broker) return [back(), h("p", null, t("connect.unknown"))];
  return screen(t("update.title", { broker: brokerName(connection), environment: connection.environment }), broker, t("update.submit"), done, {
    above: [h("p", null, t("update.help"))],
    below: [],
    send: (_, credentials) => call(path(id), { method: "PATCH", body: { credentials } }),
  });
}

function screen(title, broker, submit, done, { above, below, send }) {
  const said = h("p", { class: "said bad", role: "alert" });
  const fields = broker.auth_fields.map(field);
  const button = h("button", { type: "submit" }, submit);
  const form = h("form", { class: "entry", autocomplete: "off", novalidate: true },
    above, fields, below, said,
    h("div", { class: "actions" }, button, h("a", { class: "button quiet", href: "#/" }, t("dialog.cancel"))));
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true" || !complete(form, said)) return;
    button.setAttribute("aria-disabled", "true");
    said.textContent = "";
    const credentials = Object.fromEntries(broker.auth_fields.map(({ name }) => [name, form.elements[`credential-${name}`].value.trim()]).filter(([, value]) => value));
    try {
      const accepted = await send(form, credentials);
      form.reset();
      await done(accepted.connection_id);
    } catch (error) {
      if (error instanceof SignedOutError) {
        form.reset();
        return done(null, error);
      }
      refused(form, said, error);
    }
    button.setAttribute("aria-disabled", "false");
  };
  return [
    back(),
    h("section", { class: "card" },
      h("h2", { tabindex: "-1", "data-focus": true }, title),
      h("div", { class: "help", lang: "en" }, h("p", null, broker.setup_help),
        h("p", null, h("a", { href: broker.documentation_url, rel: "noreferrer noopener", target: "_blank" }, broker.documentation_url))),
      form),
  ];
}

const back = () => h("p", null, h("a", { href: "#/" }, `← ${t("account.back")}`));

function field({ name, label, help, secret, required, default: usual }) {
  const id = `credential-${name}`;
  return h("div", { class: "field" },
    h("label", { for: id, lang: "en" }, label, required ? null : h("span", { class: "soft" }, ` (${t("field.optional")})`)),
    h("input", {
      id, name: id, type: secret ? "password" : "text", required, placeholder: usual || null, "aria-describedby": `${id}-help`,
      autocomplete: "off", autocapitalize: "off", autocorrect: "off", spellcheck: "false",
    }),
    h("p", { id: `${id}-help`, class: "soft", lang: "en" }, help),
    h("p", { id: `${id}-wrong`, class: "wrong" }));
}

const environment = ({ environments }) =>
  h("div", { class: "field" }, h("label", { for: "environment" }, t("field.environment")),
    h("select", { id: "environment", name: "environment" }, environments.map((name) => h("option", { value: name }, name))));

const numbers = () =>
  h("details", null, h("summary", null, t("field.numbers.only")), h("div", { class: "field" }, h("label", { for: "numbers" }, t("field.numbers")),
    h("input", { id: "numbers", name: "numbers", type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": "numbers-help" }),
    h("p", { id: "numbers-help", class: "soft" }, t("field.numbers.help"))));

const replaces = (others) =>
  h("div", { class: "field" }, h("label", { for: "replaces" }, t("field.replaces")),
    h("select", { id: "replaces", name: "replaces" }, h("option", { value: "" }, t("field.replaces.none")),
      others.map((one) => h("option", { value: one.connection_id }, `${brokerName(one)} ${one.environment} ${one.accounts.map(({ masked_number: number }) => number).join(", ")}`))));

function complete(form, said) {
  const missing = [...form.elements].filter((input) => input.required && !input.value.trim());
  for (const input of form.elements) mark(input, missing.includes(input) ? t("field.missing") : "");
  said.textContent = missing.length ? t("field.some_missing") : "";
  missing[0]?.focus();
  return !missing.length;
}

// What the service says is wrong stands at the field it is about.
function refused(form, said, error) {
  const left = [];
  for (const { field: name, problem } of error instanceof ProblemError ? error.fields : []) {
    const input = form.elements[`credential-${name.split(".").at(-1)}`];
    if (input instanceof HTMLInputElement) mark(input, problem);
    else left.push(`${name}: ${problem}`);
  }
  said.textContent = [wordsOf(error), ...left].join(" ");
  find(form)?.focus();
}

const find = (form) => [...form.elements].find((input) => input.getAttribute("aria-invalid") === "true");

function mark(input, problem) {
  const place = document.getElementById(`${input.id}-wrong`);
  if (!place) return;
  place.textContent = problem;
  if (problem) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  input.setAttribute("aria-describedby", problem ? `${input.id}-help ${input.id}-wrong` : `${input.id}-help`);
}
