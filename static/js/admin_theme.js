// The admin looks as the person chose for the portal; the admin's own switch, which is kept per browser, is left out.
(function () {
  "use strict";
  const chosen = document.querySelector('meta[name="theme"]').content;
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : "auto";
})();
