// Teaching: ties the stage to the page's working part. What was taught is on the box; here is only what is looked at.
"use strict";
(function () {
  const page = document.getElementById("teach"), byId = (id) => document.getElementById(id);
  const source = page.dataset.source, base = `/teach/${source}`;
  let state = { boxes: [], stamps: {}, step: "capture", frame: "a" }, chosen = "", shown = "live", pushed = null;

  // --- asking the box, one thing after the other
  let queue = Promise.resolve();
  const ask = (method, path, values) => {
    queue = queue.catch(() => undefined).then(() => htmx.ajax(method, base + path, { target: "#work", swap: "outerHTML", values }));
    return queue;
  };
  const go = (values) => ask("GET", "", { step: state.step, selected: chosen, frame: state.frame, ...values });

  const stage = window.qcboxStage(page.querySelector(".view"), byId("picture"), byId("boxes"), {
    chosen: (key) => choose(key),
    drawn: (role, [x, y, w, h]) => ask("POST", "/add", { role, x, y, w, h }),
    placed: (key, box) => {
      clearTimeout(pushed);
      pushed = setTimeout(() => ask("POST", "/place", { key, x: box[0], y: box[1], w: box[2], h: box[3] }), 250);
    },
    pointed: (points, width) => ask("POST", "/corners", { points: points.map((p) => p.map((n) => Math.max(0, n)).join(",")).join(" "), width }),
    drawing: (role) => {
      for (const one of page.querySelectorAll("[data-corners]")) one.setAttribute("aria-pressed", String(role === "corners"));
      for (const one of page.querySelectorAll("[data-draw]")) one.setAttribute("aria-pressed", String(one.dataset.draw === role));
      if (role && role !== "corners" && shown === "live" && state.stamps.a) show("a");
    },
    looked: (times) => { byId("scale").value = `${Math.round(times * 100)} %`; },
  });

  function choose(key) {
    if (state.step === "capture" || state.step === "save") return;
    chosen = key;
    stage.set(state, chosen);
    if (state.step === "fields") go();
    else mark();
  }
  function mark() {
    for (const row of page.querySelectorAll("#work li[data-key]")) {
      const is = row.dataset.key === chosen;
      row.classList.toggle("chosen", is);
      if (is) row.scrollIntoView({ block: "nearest" });
    }
    if (state.step === "confirm" && chosen) {
      const input = byId(`v-${chosen}`);
      if (input && !page.querySelector("#boxes:focus")) input.focus({ preventScroll: true });
    }
  }

  // --- the working part has changed
  let kept = 0, waiting = null;
  function settle() {
    state = JSON.parse(byId("work").dataset.state);
    const other = state.step !== settle.step || (state.step === "confirm" && state.frame !== settle.frame);
    chosen = state.step === "fields" ? state.selected : "";
    stage.set(state, chosen);
    for (const one of page.querySelectorAll(".frames [data-frame]")) {
      one.disabled = one.dataset.frame !== "live" && !(one.dataset.frame in state.stamps);
    }
    const scroller = page.querySelector("#work .scroller");
    if (scroller && !other) scroller.scrollTop = kept;
    if (other) {
      stage.fit();
      const wanted = state.step === "capture" ? "live" : state.step === "confirm" ? state.frame : "a";
      show(wanted in state.stamps ? wanted : "live");
    } else if (shown !== "live") show(shown in state.stamps ? shown : "live");
    if (state.step === "fields") mark();
    settle.step = state.step;
    settle.frame = state.frame;
    read();
  }
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const scroller = page.querySelector("#work .scroller");
    if (event.detail.target.id === "work" && scroller) kept = scroller.scrollTop;
  });
  document.body.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "work") settle(); });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const path = event.detail.requestConfig.path;
    if (!/\/(propose|test|save|motion|capture\/.|confirm\/.)$/.test(path)) return;
    waiting = event.detail.xhr;
    veil(page.dataset.wait);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr === waiting) { waiting = null; veil(""); }
  });
  // Locked, or logged out: no picture of a patient stays on the page.
  document.body.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 403) location.reload(); });

  // --- pictures
  const veil = (text) => { byId("veil").textContent = text; byId("veil").hidden = !text; };
  const held = new Map();
  let silent = 0, resized = false;
  async function fetched(path) {
    const answer = await fetch(path, { cache: "no-store" });
    if (answer.status === 403 || answer.redirected) location.reload();
    return answer.status === 200 ? createImageBitmap(await answer.blob()) : null;
  }
  async function show(name) {
    shown = name;
    for (const one of page.querySelectorAll(".frames [data-frame]")) one.setAttribute("aria-pressed", String(one.dataset.frame === name));
    if (name === "live") { stage.value({}); return; }
    const path = `${base}/frame/${name}/picture?v=${state.stamps[name]}`;
    if (!held.has(path)) held.set(path, fetched(path));
    const bitmap = await held.get(path);
    if (shown === name && bitmap) { stage.size(bitmap.width, bitmap.height); stage.show(bitmap); }
  }
  async function look() {
    if (shown === "live" && !document.hidden) {
      try {
        const bitmap = await fetched(`${base}/live/picture`);
        if (shown === "live") {
          if (bitmap && (!state.width || resized)) stage.size(bitmap.width, bitmap.height);
          if (bitmap) stage.show(bitmap);
          silent = bitmap ? 0 : silent + 1;
          if (!waiting) veil(bitmap ? "" : silent < 6 ? page.dataset.hold : page.dataset.none);
        }
      } catch { /* the box is away: the signal says so */ }
    }
    setTimeout(look, 500);
  }

  // --- values
  let reading = 0;
  async function read() {
    if (!state.boxes.some((one) => one.role === "field") || state.step === "capture" || document.hidden) return;
    const mine = ++reading, note = byId("reading-note");
    if (note) note.textContent = page.dataset.wait;
    try {
      const answer = await fetch(`/part/screen/${source}/values?of=${shown}`, { cache: "no-store" });
      if (!answer.ok || mine !== reading) return;
      const found = await answer.json();
      stage.value(found);
      for (const place of page.querySelectorAll("[data-value]")) place.textContent = (found[place.dataset.value] || {}).text || "";
      for (const place of page.querySelectorAll("[data-sure-of]")) {
        const one = found[place.dataset.sureOf];
        place.textContent = one ? `${one.first} · ${one.second}` : "";
        place.title = one ? one.why : "";
        place.className = `sure ${one ? one.state : ""}`;
      }
    } catch { /* as above */ } finally {
      if (mine === reading && note) note.textContent = "";
    }
  }
  setInterval(() => { if (shown === "live") read(); }, 2500);

  // --- buttons
  page.addEventListener("click", (event) => {
    const on = event.target.closest("button");
    if (!on) return;
    const told = on.dataset;
    if (told.frame) { show(told.frame); read(); }
    else if (told.zoom) { if (told.zoom === "fit") stage.fit(); else stage.zoom(Number(told.zoom)); }
    else if (told.step) go({ step: told.step, selected: "" });
    else if (told.confirm) go({ frame: told.confirm });
    else if (told.draw) stage.draft(told.draw);
    // The picture as it comes, then the four corners in it.
    else if ("corners" in told) { show("live"); ask("POST", "/corners", {}).then(() => { resized = true; stage.draft("corners"); }); }
    else if (told.post) { on.disabled = true; ask("POST", `/${told.post}`, { step: state.step }).then(() => { on.disabled = false; }); }
    else if (told.remove) ask("POST", "/remove", { key: told.remove });
    else if (told.pick) pick(told.pick);
    else if (told.look) { const [frame, key] = told.look.split(":"); show(frame).then(() => { stage.set(state, key); stage.reveal(key); }); }
    else if (told.ask) page.querySelector(`[data-sure="${told.ask}"]`).showModal();
    else if ("no" in told) on.closest("dialog").close();
    else if (on.id === "overlay") setTimeout(stage.paint);
  });
  // In the queue, too: whoever types the title and presses the self-test at once loses neither.
  page.addEventListener("change", (event) => {
    const form = event.target.closest("form.settle");
    if (form) ask("POST", "/settle", Object.fromEntries(new FormData(form)));
  });
  function pick(key) {
    const same = key === chosen && state.step === "fields";
    if (same) { chosen = ""; stage.set(state, ""); go(); return; }
    choose(key);
    stage.reveal(key);
  }
  page.addEventListener("focusin", (event) => {
    const row = event.target.closest("form.values li[data-key]");
    if (!row || row.dataset.key === chosen) return;
    chosen = row.dataset.key;
    stage.set(state, chosen);
    stage.reveal(chosen);
    for (const one of page.querySelectorAll("#work li.chosen")) one.classList.remove("chosen");
    row.classList.add("chosen");
  });
  // Enter goes on to the next value; only the button says that all are right.
  page.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("form.values input")) return;
    event.preventDefault();
    const inputs = [...page.querySelectorAll("form.values input")], next = inputs[inputs.indexOf(event.target) + 1];
    (next || page.querySelector("form.values footer button")).focus();
  });

  // --- keys
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function next(step) {
    const keys = state.boxes.map((one) => one.key), i = keys.indexOf(chosen);
    if (keys.length) { choose(keys[(i + step + keys.length) % keys.length]); stage.reveal(chosen); }
  }
  const enabled = (name) => { const button = page.querySelector(`[data-post="${name}"]`); if (button && !button.disabled) button.click(); };
  const KEYS = {
    "[": () => next(-1), "]": () => next(1), n: () => state.step === "fields" && stage.draft("field"),
    Delete: () => chosen && state.step === "fields" && ask("POST", "/remove", { key: chosen }),
    Escape: () => choose(""), "+": () => stage.zoom(1.25), "=": () => stage.zoom(1.25), "-": () => stage.zoom(0.8), 0: () => stage.fit(),
    1: () => "a" in state.stamps && show("a").then(read), 2: () => "b" in state.stamps && show("b").then(read),
    3: () => "c" in state.stamps && show("c").then(read), l: () => show("live"),
    Enter: () => { const first = page.querySelector(".editor select"); if (first) first.focus(); },
  };
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.altKey || event.metaKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.target.closest("input, textarea, select")) { if (key === "Escape") event.target.blur(); return; }
    if (event.ctrlKey && (key === "z" || key === "y")) { event.preventDefault(); enabled(key === "y" || event.shiftKey ? "redo" : "undo"); return; }
    if (key in ARROWS && chosen && state.step === "fields") {
      event.preventDefault();
      const far = event.ctrlKey ? 10 : 1;
      stage.nudge(ARROWS[key][0] * far, ARROWS[key][1] * far, event.shiftKey);
      return;
    }
    if (event.ctrlKey || (key === "Enter" && event.target.closest("button, a"))) return;
    if (KEYS[key]) { event.preventDefault(); KEYS[key](); }
  });

  settle();
  look();
})();
