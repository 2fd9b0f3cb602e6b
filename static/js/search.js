// Search from anywhere by keyboard. Without scripts the same link opens the search page.
(function () {
  "use strict";

  const dialog = document.getElementById("search-dialog");
  if (!dialog) return;
  const words = document.getElementById("search-words");
  const results = document.getElementById("search-results");

  function hits() {
    return [...results.querySelectorAll("a.search-hit")];
  }

  function open() {
    if (dialog.open) return;
    dialog.showModal();
    words.focus();
    words.select();
  }

  function step(by) {
    const stops = [words, ...hits()];
    const here = Math.max(0, stops.indexOf(document.activeElement));
    stops[(here + by + stops.length) % stops.length].focus();
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-search-open]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      open();
    }
    if (event.target === dialog) dialog.close();
  });

  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && document.activeElement === words) {
      const first = hits()[0];
      if (first && results.dataset.words === words.value) {
        event.preventDefault();
        first.click();
      }
    }
  });

  // The first hit is opened by Enter only when it answers what is written now; else the form goes to the page.
  document.addEventListener("htmx:after:swap", (event) => {
    const target = event.detail?.ctx?.target ?? event.target;
    if (target === results || target?.id === "search-results") results.dataset.words = words.value;
  });
})();
