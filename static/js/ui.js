// Everything here is a convenience: each page works without it. No inline handlers, no styles set from scripts.
(function () {
  "use strict";

  const panel = document.getElementById("panel");
  const panelBody = document.getElementById("panel-body");
  let opener = null;

  document.addEventListener("click", (event) => {
    const toggle = event.target.closest("[data-toggles]");
    if (toggle) {
      const target = document.getElementById(toggle.dataset.toggles);
      toggle.setAttribute("aria-expanded", String(target.classList.toggle("is-open")));
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const filler = event.target.closest("[data-fills]");
    if (filler) fillSignIn(filler);
    if (event.target === panel) panel.close();
    if (event.target.closest("[data-print]")) window.print();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  function fillSignIn(button) {
    const form = document.getElementById(button.dataset.fills);
    form.elements.login.value = button.dataset.email;
    form.elements.password.value = button.dataset.password;
    form.querySelector("[type=submit]").focus();
  }

  // A filter that carries data-auto applies itself; the button stays for those without scripts and for the keyboard.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
  });

  // Phones start with the filters folded away, unless one is in use.
  if (window.matchMedia("(max-width: 575.98px)").matches) {
    for (const bar of document.querySelectorAll("details.filter-bar:not([data-used])")) bar.open = false;
  }

  // --- side panel: an <a data-panel href hx-get hx-target="#panel-body"> opens it ---------------------------------
  document.addEventListener("htmx:after:swap", (event) => {
    const context = event.detail.ctx;
    if (!panel || context.target !== panelBody) return;
    panelBody.scrollTop = 0;
    document.getElementById("panel-page").href = context.request.action;
    if (!panel.open) {
      opener = context.sourceElement;
      panel.showModal();
    }
    panelBody.focus();
  });
  if (panel) {
    panel.addEventListener("close", () => {
      panelBody.replaceChildren();
      document.getElementById("panel-messages").replaceChildren();
      if (opener && opener.isConnected) opener.focus();
    });
  }
  document.addEventListener("click", (event) => {
    // A modified click on a panel link means "open it in a new tab": leave it to the browser.
    const link = event.target.closest("a[data-panel]");
    if (link && (event.ctrlKey || event.metaKey || event.shiftKey)) event.stopImmediatePropagation();
  }, true);

  // --- requests that fail ------------------------------------------------------------------------------------------
  document.addEventListener("htmx:before:response", (event) => {
    // A session that ended answers with the sign-in page; that belongs in the window, not in a fragment.
    const response = event.detail.ctx.response.raw;
    const signIn = document.body.dataset.signIn;
    if (signIn && response.redirected && new URL(response.url).pathname === signIn) {
      event.preventDefault();
      window.location.reload();
    }
  });
  function say(text) {
    const place = document.getElementById(panel && panel.open ? "panel-messages" : "messages");
    if (!place) return;
    const notice = document.createElement("div");
    notice.className = "notice notice-error";
    notice.textContent = text;
    place.replaceChildren(notice);
    place.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("htmx:response:error", (event) => {
    const status = event.detail.ctx.response.status;
    if (status === 400 || status === 422) return;
    if (status === 403) say("Your role does not allow that.");
    else if (status === 404) say("That no longer exists. Reload the page.");
    else say("The server could not do that (" + status + "). Nothing was changed; try again in a moment.");
  });
  document.addEventListener("htmx:error", () => say("No connection to the server. Check the network and try again."));
})();
