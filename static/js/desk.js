// Single keys for what stands in the bar of a lead's page and on "My day". Everything works without them.
(function () {
  "use strict";

  const OFF = "portal-keys-off";

  function isOff() {
    try { return localStorage.getItem(OFF) === "1"; } catch { return false; }
  }

  function say() {
    for (const button of document.querySelectorAll("[data-keys-switch]")) {
      button.textContent = isOff() ? "Turn shortcuts on" : "Turn shortcuts off";
      button.setAttribute("aria-pressed", String(isOff()));
    }
  }
  say();

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-keys-switch]")) return;
    try { localStorage.setItem(OFF, isOff() ? "0" : "1"); } catch { return; }
    say();
  });

  // What folds on a phone opens for whoever wants to write in it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href="#log"]');
    const card = link && document.querySelector("#log > details");
    if (card) card.open = true;
  });

  function isTyping(target) {
    return target.closest("input, textarea, select, [contenteditable]") !== null;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") || isOff()) return;
    const wanted = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
    const menu = wanted.closest("details");
    if (menu && menu.open) {
      const first = menu.querySelector(".menu-list button");
      if (first) first.focus();
    }
    if (wanted.hash === "#log") {
      const field = document.querySelector("#log select");
      if (field) field.focus();
    }
  });
})();
