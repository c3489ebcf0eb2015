// The stage: a picture with boxes over it. Zoom, pan, choose, move, resize, draw; mouse, pen, fingers and keys.
// Knows nothing of teaching: it is given boxes and says what a person did to them.
"use strict";
window.qcboxStage = function (view, canvas, svg, tell) {
  const NS = "http://www.w3.org/2000/svg", GRIP = 26, LEAST = 4, MOST_ZOOM = 12;
  let picture = null, wide = 1920, high = 1080, boxes = [], values = new Map();
  let points = [];
  let scale = 1, left = 0, top = 0, fitted = true, chosen = "", drawing = "";
  const byKey = (key) => boxes.find((one) => one.key === key);

  // --- looking
  const fitScale = () => Math.min(view.clientWidth / wide, view.clientHeight / high) || 1;
  function fit() {
    fitted = true;
    scale = fitScale();
    left = (wide - view.clientWidth / scale) / 2;
    top = (high - view.clientHeight / scale) / 2;
    paint();
  }
  // Keep the point of the picture that is under (x, y) of the view where it is.
  function zoom(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
    const to = Math.max(fitScale(), Math.min(MOST_ZOOM, scale * factor));
    if (to <= fitScale() * 1.001) return fit();
    left += x / scale - x / to;
    top += y / scale - y / to;
    scale = to;
    fitted = false;
    bound();
    paint();
  }
  function bound() {
    const w = view.clientWidth / scale, h = view.clientHeight / scale;
    left = w >= wide ? (wide - w) / 2 : Math.max(-w / 4, Math.min(wide - w * 0.75, left));
    top = h >= high ? (high - h) / 2 : Math.max(-h / 4, Math.min(high - h * 0.75, top));
  }
  // Bring a box into view, large enough to be worked on.
  function reveal(key) {
    const one = byKey(key);
    if (!one) return;
    const [x, y, w, h] = one.box, wanted = Math.min(MOST_ZOOM / 3, 36 / h, (view.clientWidth * 0.6) / w);
    if (scale < wanted) { scale = Math.max(fitScale(), wanted); fitted = scale <= fitScale(); }
    const seen = x > left && y > top && x + w < left + view.clientWidth / scale && y + h < top + view.clientHeight / scale;
    if (!seen || scale === wanted) {
      left = x + w / 2 - view.clientWidth / scale / 2;
      top = y + h / 2 - view.clientHeight / scale / 2;
    }
    bound();
    paint();
  }

  // --- painting
  let asked = 0;
  function paint() { if (!asked) asked = requestAnimationFrame(() => { asked = 0; draw(); }); }
  function draw() {
    const ratio = devicePixelRatio || 1, w = view.clientWidth, h = view.clientHeight;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const on = canvas.getContext("2d");
    on.setTransform(1, 0, 0, 1, 0, 0);
    on.clearRect(0, 0, canvas.width, canvas.height);
    if (picture) {
      on.setTransform(scale * ratio, 0, 0, scale * ratio, -left * scale * ratio, -top * scale * ratio);
      on.imageSmoothingEnabled = scale < 3;
      on.imageSmoothingQuality = "high";
      on.drawImage(picture, 0, 0, wide, high);
    }
    svg.setAttribute("viewBox", `${left} ${top} ${w / scale} ${h / scale}`);
    svg.replaceChildren(...shapes(), ...chips());
    svg.classList.toggle("drawing", Boolean(drawing));
    tell.looked(scale / fitScale(), fitted);
  }
  function make(name, attributes, text) {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const large = (one) => one.box[2] * one.box[3];
  function shapes() {
    const made = [];
    for (const one of [...boxes].sort((a, b) => large(b) - large(a))) {
      const [x, y, width, height] = one.key === moved.key ? moved.box : one.box;
      const state = (values.get(one.key) || {}).state || "";
      const of = `box ${one.role}-of ${one.role === "field" && !one.name ? "unnamed" : ""} ${one.secret ? "secret" : ""} ${state} ${one.key === chosen ? "chosen" : ""}`;
      made.push(make("rect", { class: of, "data-key": one.key, x, y, width, height }));
    }
    const one = byKey(chosen);
    if (one && !drawing) {
      for (const [x, y] of corners(one.key === moved.key ? moved.box : one.box)) {
        made.push(make("circle", { class: "grip", cx: x, cy: y, r: 7 / scale }));
      }
    }
    for (const [x, y] of points) made.push(make("circle", { class: "grip", cx: x, cy: y, r: 9 / scale }));
    if (moved.key === "new") {
      const [x, y, width, height] = moved.box;
      made.push(make("rect", { class: `box chosen ${drawing}-of`, x, y, width, height }));
    }
    return made;
  }
  // Corners stand off a small box, so that a finger finds each of them.
  function corners([x, y, w, h]) {
    const off = (side) => Math.max(5, (44 - side * scale) / 2) / scale;
    const dx = off(w), dy = off(h);
    return [[x - dx, y - dy], [x + w + dx, y - dy], [x - dx, y + h + dy], [x + w + dx, y + h + dy]];
  }
  // Width of a text in units of its size.
  const ruler = document.createElement("canvas").getContext("2d");
  function broad(text, weight) {
    ruler.font = `${weight} 100px ${getComputedStyle(svg).fontFamily}`;
    return ruler.measureText(text).width / 100;
  }
  function chips() {
    if (document.body.classList.contains("no-marks")) return [];
    const made = [], right = left + view.clientWidth / scale;
    for (const one of boxes) {
      const value = values.get(one.key);
      if (!value || one.role !== "field" || !one.name) continue;
      const [x, y, w, h] = one.key === moved.key ? moved.box : one.box;
      // As large as its box is shown, so that rows of values do not cover each other.
      const size = Math.max(8.5, Math.min(14, h * scale * 0.62)) / scale;
      const text = value.text || "—", sure = ` ${value.first} · ${value.second}`;
      const span = (broad(text, 600) + broad(sure, 400) * 0.85 + 1) * size;
      const at = x + w + 3 / scale + span < right ? x + w + 3 / scale : x - span - 3 / scale;
      const group = make("g", { class: `value-chip ${value.state} ${one.key === chosen ? "chosen" : ""}` });
      group.append(make("rect", { x: at, y: y + h / 2 - size * 0.7, width: span, height: size * 1.4, rx: size * 0.35 }));
      const words = make("text", { x: at + size * 0.45, y: y + h / 2, dy: ".35em", "font-size": size }, text);
      const small = make("tspan", { class: "sureness", "font-size": size * 0.85 }, sure);
      words.append(small);
      group.append(words);
      made.push(group);
    }
    return made;
  }

  // --- touching
  const touches = new Map();
  let moved = { key: "", box: null }, deed = null;
  const at = (event) => {
    const box = view.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    return { x, y, px: left + x / scale, py: top + y / scale };
  };
  const within = (p, [x, y, w, h], border) => p.px >= x - border && p.px <= x + w + border && p.py >= y - border && p.py <= y + h + border;
  function hit(p) {
    const found = boxes.filter((one) => within(p, one.box, 5 / scale)).sort((a, b) => large(a) - large(b));
    return found.length ? found[0].key : "";
  }
  function grip(p) {
    const one = byKey(chosen);
    if (!one) return -1;
    const apart = corners(one.box).map(([x, y]) => Math.hypot(x - p.px, y - p.py) * scale);
    const nearest = apart.indexOf(Math.min(...apart));
    return apart[nearest] < GRIP ? nearest : -1;
  }
  function begin(p) {
    if (drawing === "corners") return { kind: "pan", from: p, left, top };
    if (drawing) return { kind: "draw", from: p };
    const corner = grip(p), one = byKey(chosen);
    if (corner >= 0) return { kind: "resize", corner, from: p, box: one.box };
    if (one && within(p, one.box, 5 / scale) && (one.key !== "image" || hit(p) === "image")) return { kind: "move", from: p, box: one.box };
    return { kind: "pan", from: p, left, top };
  }
  const whole = (x0, y0, x1, y1) => {
    const l = Math.max(0, Math.round(Math.min(x0, x1))), t = Math.max(0, Math.round(Math.min(y0, y1)));
    const r = Math.min(wide, Math.round(Math.max(x0, x1))), b = Math.min(high, Math.round(Math.max(y0, y1)));
    return [l, t, Math.max(LEAST, r - l), Math.max(LEAST, b - t)];
  };
  function shifted(box, dx, dy) {
    const [x, y, w, h] = box;
    return [Math.max(0, Math.min(wide - w, Math.round(x + dx))), Math.max(0, Math.min(high - h, Math.round(y + dy))), w, h];
  }
  function resized([x, y, w, h], corner, dx, dy) {
    const l = corner % 2 ? x : x + dx, r = corner % 2 ? x + w + dx : x + w;
    const t = corner < 2 ? y + dy : y, b = corner < 2 ? y + h : y + h + dy;
    return whole(l, t, r, b);
  }
  function carry(p) {
    const far = Math.hypot(p.x - deed.from.x, p.y - deed.from.y) > 4;
    if (!deed.under && !far) return;
    deed.under = true;
    const dx = p.px - deed.from.px, dy = p.py - deed.from.py;
    if (deed.kind === "draw") moved = { key: "new", box: whole(deed.from.px, deed.from.py, p.px, p.py) };
    else if (deed.kind === "move") moved = { key: chosen, box: shifted(deed.box, dx, dy) };
    else if (deed.kind === "resize") moved = { key: chosen, box: resized(deed.box, deed.corner, dx, dy) };
    else {
      left = deed.left - (p.x - deed.from.x) / scale;
      top = deed.top - (p.y - deed.from.y) / scale;
      fitted = false;
      bound();
    }
    paint();
  }
  function pinch() {
    const [a, b] = [...touches.values()];
    const apart = Math.hypot(a.x - b.x, a.y - b.y), x = (a.x + b.x) / 2, y = (a.y + b.y) / 2;
    if (deed && deed.kind === "pinch") {
      left -= (x - deed.x) / scale;
      top -= (y - deed.y) / scale;
      zoom(apart / deed.apart, x, y);
    }
    deed = { kind: "pinch", apart, x, y };
    moved = { key: "", box: null };
  }
  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    svg.setPointerCapture(event.pointerId);
    svg.focus({ preventScroll: true });
    const p = at(event);
    touches.set(event.pointerId, p);
    if (touches.size === 2) return pinch();
    if (touches.size === 1) deed = begin(p);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!touches.has(event.pointerId)) return;
    const p = at(event);
    touches.set(event.pointerId, p);
    if (touches.size === 2) pinch(); else if (deed && deed.kind !== "pinch") carry(p);
  });
  function lift(event) {
    if (!touches.delete(event.pointerId) || touches.size) return;
    const done = deed, box = moved.box;
    deed = null;
    moved = { key: "", box: null };
    if (!done || event.type === "pointercancel" || done.kind === "pinch") return paint();
    if (!done.under) tap(done.from);
    else if (done.kind === "draw") { const role = drawing; draft(""); tell.drawn(role, box); }
    else if (done.kind !== "pan") put(chosen, box);
    paint();
  }
  svg.addEventListener("pointerup", lift);
  svg.addEventListener("pointercancel", lift);
  let last = { time: 0, key: "" };
  function tap(p) {
    if (drawing === "corners") return point(p);
    if (drawing) return;
    const key = hit(p), again = key && key === last.key && Date.now() - last.time < 400;
    last = { time: Date.now(), key };
    if (again) reveal(key); else if (key !== chosen) tell.chosen(key);
  }
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const p = at(event);
    zoom(Math.exp(-event.deltaY / 400), p.x, p.y);
  }, { passive: false });

  function point(p) {
    points.push([Math.round(p.px), Math.round(p.py)]);
    if (points.length < 4) return;
    const all = points;
    draft("");
    tell.pointed(all, wide);
  }
  function put(key, box) {
    const one = byKey(key);
    if (!one || String(one.box) === String(box)) return;
    one.box = box;
    values.delete(key);
    paint();
    tell.placed(key, box);
  }
  function draft(role) {
    drawing = drawing === role ? "" : role;
    points = [];
    tell.drawing(drawing);
    paint();
  }
  new ResizeObserver(() => { if (fitted) fit(); else { bound(); paint(); } }).observe(view);

  return {
    fit, zoom, reveal, paint, draft,
    show(bitmap) { picture = bitmap; paint(); },
    set(state, chosenKey) {
      const size = state.width && (state.width !== wide || state.height !== high);
      if (size) { wide = state.width; high = state.height; }
      boxes = state.boxes;
      chosen = chosenKey;
      if (size) fit(); else paint();
    },
    size(w, h) { if (w !== wide || h !== high) { wide = w; high = h; fit(); } },
    value(found) { values = new Map(Object.entries(found)); paint(); },
    nudge(dx, dy, resize) {
      const one = byKey(chosen);
      if (one) put(chosen, resize ? resized(one.box, 3, dx, dy) : shifted(one.box, dx, dy));
    },
  };
};
