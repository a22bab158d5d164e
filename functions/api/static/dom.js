// Elements without HTML text: what a broker or a trader wrote can only ever become text.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["checked", "value", "disabled", "hidden", "open", "selected", "indeterminate"]);
const LIVE = ["checked", "value", "disabled", "hidden"]; // what a reader or a script changes after an element was made

// An element. `on...` and the properties above are set as such, everything else as an attribute; null and false are left
// out. Children are elements, text, lists of both, or nothing.
export const h = (tag, given, ...children) => filled(document.createElement(tag), given, children);
export const svg = (tag, given, ...children) => filled(document.createElementNS(SVG, tag), given, children);

function filled(element, given, children) {
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on") || PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  if (given?.value !== undefined && element.tagName === "SELECT") element.value = given.value; // its options are there now
  return element;
}

// Makes `shown` like `fresh` in place: whoever has the keyboard's focus, scrolls or reads inside does not lose it.
// A child with a `data-key` is its old self wherever that stood; the others are matched in their order, by their kind.
export function morph(shown, ...fresh) {
  const olds = [...shown.childNodes];
  const keyed = new Map(olds.filter((one) => one.dataset?.key).map((one) => [one.dataset.key, one]));
  let next = 0;
  const nodes = fresh.flat(Infinity).filter(Boolean).map((one) => (typeof one === "string" ? document.createTextNode(one) : one));
  const matches = nodes.map((node) => {
    if (node.dataset?.key) return alike(keyed.get(node.dataset.key), node);
    const at = olds.findIndex((old, place) => place >= next && !old.dataset?.key && alike(old, node));
    if (at >= 0) next = at + 1;
    return olds[at];
  });
  // What is not wanted any more goes first: then nothing that stays has to be moved, which would cost it the focus.
  for (const old of olds) if (!matches.includes(old)) old.remove();
  let place = shown.firstChild;
  nodes.forEach((node, index) => {
    const old = matches[index];
    if (!old) return shown.insertBefore(node, place);
    if (old === place) place = place.nextSibling;
    else shown.insertBefore(old, place);
    become(old, node);
  });
}

const alike = (old, wanted) => (old?.nodeType === wanted.nodeType && old.nodeName === wanted.nodeName ? old : undefined);

function become(old, wanted) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data; // unchanged text is not announced again
    return;
  }
  for (const { name } of [...old.attributes]) {
    // whether something is folded out is the reader's business
    if (!wanted.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of ["onclick", "onchange", "oninput", "onsubmit", "ontoggle"]) old[name] = wanted[name];
  morph(old, ...wanted.childNodes);
  const typing = old === document.activeElement && old.tagName === "INPUT" && old.type !== "checkbox";
  for (const name of LIVE) if (name in wanted && old[name] !== wanted[name] && !(typing && name === "value")) old[name] = wanted[name];
}

export const find = (selector, within = document) => within.querySelector(selector);
