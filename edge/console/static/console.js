// What htmx does not do: contact, sound, keys and dialogs. No state of its own beyond the page.
"use strict";
(function () {
  const body = document.body, sound = window.qcboxSound;
  const RANK = ["good", "advice", "warning", "critical"];
  const byId = (id) => document.getElementById(id);

  // --- contact: silence must not look like health
  let heard = Date.now();
  const patience = Number(body.dataset.contact || 0) * 1000;
  function alive() { heard = Date.now(); show(false); }
  function show(lost) {
    if (!patience || body.classList.contains("lost") === lost) return;
    body.classList.toggle("lost", lost);
    byId("contact").hidden = !lost;
  }
  // A box that answers again while the stream stays silent has ended this log-in, or is new: load afresh.
  let asked = 0;
  function look() {
    const silence = Date.now() - heard;
    show(silence > patience);
    if (silence <= patience || Date.now() - asked < 5000) return;
    asked = Date.now();
    fetch("/healthz").then((answer) => { if (answer.ok && Date.now() - heard > patience) again(); }, () => undefined);
  }
  // Nobody asked for it, so what a person has chosen outlives it, and where a person goes it does not hold him back.
  let left = 0;
  addEventListener("beforeunload", () => { left = Date.now(); });
  function again() {
    if (Date.now() - left < 5000) return;
    if (chosen) sessionStorage.setItem("qcbox.chosen", chosen);
    location.reload();
  }
  if (patience) setInterval(look, 500);

  // --- the stream: htmx swaps the fragments, here the sound and the end of a log-in
  let last = Number(body.dataset.last || 0), loudest = -1, pending = 0;
  function sounded() { sound.play(RANK[loudest]); loudest = -1; pending = 0; }
  function listen(source) {
    for (const name of ["alert", "board", "status", "again", "bye"]) source.addEventListener(name, alive);
    source.addEventListener("alert", (event) => {
      const alert = JSON.parse(event.data);
      if (alert.id <= last) return;
      last = alert.id;
      loudest = Math.max(loudest, RANK.indexOf(alert.level));
      pending = pending || setTimeout(sounded, 60);
    });
    source.addEventListener("bye", () => { source.close(); location.assign("/login"); });
  }
  const opened = new WeakSet();
  body.addEventListener("htmx:sseOpen", (event) => {
    alive();
    const source = event.detail.source;
    if (!opened.has(source)) { opened.add(source); listen(source); }
  });

  // --- sound button
  const button = byId("sound");
  function paint() {
    if (!button) return;
    const state = !sound.on() ? "off" : sound.blocked() ? "blocked" : "on";
    button.dataset.state = state;
    button.setAttribute("aria-pressed", String(state === "on"));
    button.title = button.dataset[state];
    button.lastElementChild.textContent = state === "on" ? "" : button.dataset[state];
  }
  if (button) {
    button.addEventListener("click", () => (sound.blocked() ? sound.allow() : sound.toggle()).then(paint));
    for (const kind of ["pointerdown", "keydown"]) {
      addEventListener(kind, (event) => { if (!button.contains(event.target)) sound.allow().then(paint); });
    }
    sound.allow().then(paint);
    paint();
  }

  // --- dialogs and notes
  const dialog = byId("dialog");
  body.addEventListener("htmx:afterSwap", (event) => {
    if (dialog && event.target === dialog && !dialog.open) dialog.showModal();
    if (event.target.id === "board") choose(chosen);
  });
  body.addEventListener("htmx:afterRequest", (event) => {
    if (dialog && dialog.open && event.detail.successful && event.detail.elt.matches("form.decide")) dialog.close();
  });
  function note(html) {
    const place = byId("notes");
    place.innerHTML = html;
    if (dialog && dialog.open) dialog.append(place); else body.append(place);
    clearTimeout(note.timer);
    note.timer = setTimeout(() => { place.textContent = ""; }, 8000);
  }
  body.addEventListener("htmx:responseError", (event) => note(event.detail.xhr.responseText));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) dialog.close();
    if (event.target.closest("#keys")) byId("help").showModal();
    const overlay = event.target.closest("#overlay");
    if (overlay) overlay.setAttribute("aria-pressed", String(!body.classList.toggle("no-marks")));
  });

  // --- keys
  let chosen = null;
  const items = () => [...document.querySelectorAll("#board .card, #board [data-row]")];
  const nameOf = (item) => (item.dataset.card ? item.dataset.card : item.getAttribute("href"));
  // A choice stays while its card is away: the next board may bring it back.
  function choose(name) {
    chosen = name;
    for (const item of items()) {
      const is = name !== null && nameOf(item) === name;
      item.classList.toggle("chosen", is);
      if (is) item.scrollIntoView({ block: "nearest" });
    }
  }
  choose(sessionStorage.getItem("qcbox.chosen"));
  sessionStorage.removeItem("qcbox.chosen");
  function move(step) {
    const all = items();
    if (!all.length) return;
    const at = all.findIndex((item) => nameOf(item) === chosen);
    choose(nameOf(all[Math.min(all.length - 1, Math.max(0, at + step))]));
  }
  function act(key) {
    // Nothing chosen: the large card, never a smaller one that happens to stand above it.
    const item = items().find((one) => nameOf(one) === chosen) || document.querySelector(".card.large, .study .card");
    const target = item && item.querySelector(`[data-key="${key}"]`);
    if (target) target.click();
  }
  function open() {
    const item = items().find((one) => nameOf(one) === chosen);
    if (item) location.assign(item.dataset.card ? `/case/${item.dataset.card}` : nameOf(item));
  }
  const KEYS = {
    ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: open, "?": () => byId("keys") && byId("keys").click(),
    m: () => button && button.click(), v: () => byId("overlay") && byId("overlay").click(),
  };
  for (const key of "arosu") KEYS[key] = () => act(key);
  document.addEventListener("keydown", (event) => {
    // Until the next frame the focus stays on the button of a dialog that was closed: nobody types there.
    const shut = event.target.closest("dialog:not([open])");
    const typing = !shut && event.target.closest("input, textarea, select, dialog, button, a[href]:not([data-row])");
    if (event.ctrlKey || event.altKey || event.metaKey || (typing && (event.key === "Enter" || !event.target.closest("button, a")))) return;
    if (document.querySelector("dialog[open]")) return;
    const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (does) { event.preventDefault(); does(); }
  });
})();
