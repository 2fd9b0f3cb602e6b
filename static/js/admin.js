// What the administration needs of the portal: its theme, and names that Django leaves out.
// The admin looks as the person chose for the portal; the admin's own switch, which is kept per browser, is left out.
(function () {
  "use strict";
  const chosen = document.querySelector('meta[name="theme"]').content;
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : "auto";

  // An inline table has columns without a header, which a screen reader cannot name.
  document.addEventListener("DOMContentLoaded", () => {
    for (const header of document.querySelectorAll("th:empty")) {
      const name = document.createElement("span");
      name.className = "visually-hidden";
      name.textContent = header.classList.contains("original") ? "Record" : "Actions";
      header.append(name);
    }
  });

  // Select2 draws a field of its own and gives it no name: it takes that of the field it stands for.
  function nameSelects(root) {
    for (const field of root.querySelectorAll("select.select2-hidden-accessible")) {
      const label = field.labels && field.labels[0];
      const drawn = field.parentElement.querySelector(".select2-container");
      if (!drawn) continue;
      const name = label ? label.textContent.trim().replace(/:$/, "") : field.name.replace(/^.*-/, "").replaceAll("_", " ");
      for (const part of drawn.querySelectorAll(".select2-selection, .select2-selection__rendered")) {
        part.removeAttribute("aria-labelledby");
        part.setAttribute("aria-label", name);
      }
    }
  }
  // Fields without a label: the two halves of a moment, and the cells of an inline table, which its headers name.
  function nameOthers(root) {
    for (const field of root.querySelectorAll(".datetime input, .tabular td input, .tabular td select, .tabular td textarea")) {
      if (field.type === "hidden" || field.labels.length || field.hasAttribute("aria-label")) continue;
      const cell = field.closest("td");
      const header = cell && cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
      const named = header || field.closest(".form-row, fieldset")?.querySelector("legend, label");
      const part = field.closest(".datetime") ? (field.classList.contains("vTimeField") ? " time" : " date") : "";
      const name = field.name.endsWith("-DELETE") ? "Delete" : (named ? named.textContent.trim().replace(/[:?]$/, "") : "");
      field.setAttribute("aria-label", (name + part).trim());
    }
    for (const tip of root.querySelectorAll("span.help-tooltip[aria-label]")) tip.setAttribute("role", "img");
  }
  function nameFields(root) {
    nameSelects(root);
    nameOthers(root);
  }
  // The administration's own scripts draw their fields when the page has loaded: ours come after them.
  window.addEventListener("load", () => window.setTimeout(() => nameFields(document)));
  document.addEventListener("formset:added", (event) => window.setTimeout(() => nameFields(event.target)));
})();
