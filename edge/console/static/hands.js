// Keys of the hands' page: arrows choose a step, Escape stops, Enter is the focused button's own.
(() => {
  "use strict";
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.ctrlKey || event.target.closest("input, select")) return;
    if (event.key === "Escape") {
      const stop = document.querySelector('#hand [data-key="Escape"]');
      if (stop) { event.preventDefault(); stop.click(); }
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const steps = [...document.querySelectorAll("#hand [data-number]")];
      const next = steps[steps.findIndex((one) => one.hasAttribute("aria-current")) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) { event.preventDefault(); next.click(); }
    }
  });
  // Locked, or logged out: no picture of a patient stays on the page.
  document.body.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 403) location.reload(); });
})();
