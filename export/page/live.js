// The script of the page: takes what has changed from the exporter, and says when nothing comes.

const body = document.body;
const clock = document.getElementById("clock");
const connection = document.getElementById("connection");

/** Without a word for so long, the connection is lost; pause before the next one, milliseconds. */
const SILENCE_MS = 12_000;
const PAUSE_MS = 2000;

/** A hidden page is not updated after so long, so that nothing is drawn for it. */
const HIDDEN_MS = 60_000;

/** The width from which the wide drawings are shown, as in the style. */
const wide = matchMedia("(min-width: 701px)");

let source = null;
let heard = performance.now();
/** The exporter's clock at the newest word. */
let now = Number(body.dataset.now);
let hiddenSince = null;
let isPaused = false;

function connect() {
  source?.close();
  const url = new URL(body.dataset.live, location.href);
  url.searchParams.set("layout", wide.matches ? "wide" : "narrow");
  source = new EventSource(url);
  heard = performance.now();
  const on = (event, handle) =>
    source.addEventListener(event, ({ data }) => {
      heard = performance.now();
      const message = JSON.parse(data);
      now = message.now;
      handle(message);
      say("live");
    });
  on("hello", ({ build }) => {
    if (build !== body.dataset.build) location.reload();
  });
  on("beat", () => {});
  on("parts", show);
}

/** Brings the parts of the page up to date. */
function show({ order, parts }) {
  for (const [name, ids] of Object.entries(order)) {
    const container = document.getElementById(name);
    for (const child of [...container.children]) {
      if (!ids.includes(child.id)) child.remove();
    }
    let before = container.firstElementChild;
    for (const id of ids) {
      let part = document.getElementById(id);
      if (part === null) {
        part = document.createElement("div");
        part.className = "part";
        part.id = id;
      }
      if (part === before) before = before.nextElementSibling;
      else container.insertBefore(part, before);
    }
  }
  for (const [id, html] of Object.entries(parts)) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    update(document.getElementById(id), fresh.content);
  }
}

/** Makes the children of a node like those of a fresh one; what is alike stays: focus, scroll, selection. */
function update(old, fresh) {
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const alike = alikeFrom(at, next);
    if (alike === null) {
      old.insertBefore(next, at);
      continue;
    }
    while (at !== alike) at = removed(at);
    at = at.nextSibling;
    if (alike.isEqualNode(next)) continue;
    if (alike.nodeName === "svg") alike.replaceWith(next);
    else if (alike.nodeType === Node.ELEMENT_NODE) updateElement(alike, next);
    else alike.data = next.data;
  }
  while (at !== null) at = removed(at);
}

/** The first of a node and its next siblings that is of the same kind as another one. */
function alikeFrom(node, other) {
  const kindOf = ({ nodeName, classList }) => `${nodeName} ${classList?.[0] ?? ""}`;
  const kind = kindOf(other);
  while (node !== null && kindOf(node) !== kind) node = node.nextSibling;
  return node;
}

/** Removes a node; returns the next one. */
function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function updateElement(old, fresh) {
  for (const { name } of [...old.attributes]) {
    // What the viewer has opened stays open.
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  update(old, fresh);
}

/** Says how the page is connected; a screen reader hears only changes. */
function say(state) {
  const at = `${new Date(now).toISOString().slice(11, 19)} UTC`;
  if (clock.textContent !== at) clock.textContent = at;
  if (body.dataset.state === state) return;
  body.dataset.state = state;
  connection.textContent = {
    live: "Live",
    lost: `Connection lost: this is the state of ${at}. Trying again.`,
    paused: "Paused while hidden",
  }[state];
}

setInterval(() => {
  if (hiddenSince !== null && performance.now() - hiddenSince > HIDDEN_MS && !isPaused) {
    isPaused = true;
    source.close();
    say("paused");
  }
  if (isPaused) return;
  const silence = performance.now() - heard;
  const isClosed = source.readyState === EventSource.CLOSED;
  if (source.readyState !== EventSource.OPEN && silence > PAUSE_MS || silence > SILENCE_MS) {
    say("lost");
  }
  // A browser does not try again by itself after an answer that is an error.
  if (isClosed && silence > PAUSE_MS || silence > SILENCE_MS) connect();
}, 1000);

document.addEventListener("visibilitychange", () => {
  hiddenSince = document.hidden ? performance.now() : null;
  if (document.hidden || !isPaused) return;
  isPaused = false;
  connect();
});
wide.addEventListener("change", () => isPaused || connect());
connect();
