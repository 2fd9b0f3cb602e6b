// Marks all rows of a page and says how many are marked. Without it each row is marked by itself.
(function () {
  "use strict";

  const rows = () => [...document.querySelectorAll("input[form=bulk][name=row]")];

  function say() {
    const place = document.querySelector("[data-selected]");
    const marked = rows().filter((row) => row.checked).length;
    if (place) place.textContent = marked ? marked + " marked" : "";
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-select-page]")) return;
    const all = rows();
    const isMarked = all.every((row) => row.checked);
    for (const row of all) row.checked = !isMarked;
    say();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[form=bulk][name=row]")) say();
  });
})();
