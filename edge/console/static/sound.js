// Tones made in the browser: no files, one short figure for each level of alert.
"use strict";
(function () {
  const FIGURES = {
    good: [[660, 0, 0.09], [880, 0.1, 0.14]],
    advice: [[587, 0, 0.16]],
    warning: [[587, 0, 0.15], [494, 0.22, 0.2]],
    critical: [[784, 0, 0.14], [587, 0.2, 0.14], [784, 0.4, 0.14], [587, 0.6, 0.22]],
  };
  const LOUDNESS = { good: 0.08, advice: 0.12, warning: 0.2, critical: 0.3 };
  let context = null;

  function on() { return localStorage.getItem("qcbox.sound") !== "off"; }

  function blocked() { return on() && (!context || context.state !== "running"); }

  // A browser lets a page sound only after a touch; a kiosk may allow it from the start.
  function allow() {
    if (!on()) return Promise.resolve();
    if (!context && navigator.userActivation && !navigator.userActivation.hasBeenActive) return Promise.resolve();
    context = context || new AudioContext();
    return context.resume().catch(() => undefined);
  }

  function play(level) {
    if (!on() || !context || context.state !== "running") return;
    for (const [pitch, after, length] of FIGURES[level] || FIGURES.advice) {
      const start = context.currentTime + 0.02 + after;
      const tone = context.createOscillator(), gain = context.createGain();
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(LOUDNESS[level] || 0.12, start + 0.015);
      gain.gain.exponentialRampToValueAtTime(0.001, start + length);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(start + length + 0.05);
    }
  }

  function toggle() { localStorage.setItem("qcbox.sound", on() ? "off" : "on"); return allow(); }

  window.qcboxSound = { allow, blocked, on, play, toggle };
})();
