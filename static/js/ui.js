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

  // --- the same page with another query: filters, sorting, pages, periods --------------------------------------------
  const phone = window.matchMedia("(max-width: 575.98px)");
  const applied = new WeakMap();

  function asked(form) {
    return new URLSearchParams(new FormData(form)).toString();
  }

  function foldFilters(isOpen) {
    for (const bar of document.querySelectorAll("details.filter-bar")) {
      if (phone.matches) bar.open = isOpen ?? bar.hasAttribute("data-used");
    }
    if (phone.matches) for (const part of document.querySelectorAll("details.fold[open]")) part.open = false;
    for (const form of document.querySelectorAll("form[data-filters]")) applied.set(form, asked(form));
  }
  foldFilters();

  // What had the focus, so that it has it again in the new page: its id, or its tag and words.
  function remembered() {
    const held = document.activeElement;
    if (!held || !held.closest("#page")) return () => {};
    const words = held.textContent.trim();
    return () => {
      if (held.isConnected) return;
      const same = held.id
        ? document.getElementById(held.id)
        : [...document.querySelectorAll("#page " + held.tagName)].find((each) => each.textContent.trim() === words);
      (same || document.getElementById("main")).focus({ preventScroll: true });
    };
  }

  async function inPlace(url, list) {
    const bar = document.querySelector("details.filter-bar");
    const isOpen = bar ? bar.open : undefined;
    const focus = remembered();
    const place = list ? [...document.querySelectorAll("#page section")].indexOf(list) : -1;
    await window.htmx.ajax("GET", url, {
      source: document.body, target: "#page", select: "#page", swap: "outerHTML", push: "true",
    });
    foldFilters(isOpen);
    focus();
    const turned = document.querySelectorAll("#page section")[place];
    if (turned) turned.scrollIntoView({ block: "start" });
  }

  document.addEventListener("htmx:config:request", (event) => {
    // The page that is swapped in is the one its address shows, not a fragment of it.
    if (event.detail.ctx.select === "#page") delete event.detail.ctx.request.headers["HX-Request"];
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("#page a[href]");
    const isPlain = link && !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!isPlain || !window.htmx || link.target || link.hasAttribute("download") || link.hasAttribute("hx-get")) return;
    if (link.origin !== location.origin || link.pathname !== location.pathname || link.search === location.search) return;
    event.preventDefault();
    inPlace(link.pathname + link.search + link.hash, link.closest(".pager") ? link.closest("section") : null);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-filters]");
    if (!form || !window.htmx) return;
    event.preventDefault();
    applied.set(form, asked(form));
    inPlace(new URL(form.action).pathname + "?" + asked(form));
  });

  // Filters apply on Enter, on Apply, or when the focus leaves the whole group; never while somebody types or chooses.
  let isPointerDown = false;
  document.addEventListener("pointerdown", () => { isPointerDown = true; }, true);
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => { isPointerDown = false; }, true);
  }
  document.addEventListener("focusout", (event) => {
    const form = event.target.closest("form[data-filters]");
    if (!form || form.contains(event.relatedTarget) || !document.hasFocus()) return;
    // A click elsewhere is finished first: the page must not change under the pointer.
    if (isPointerDown) document.addEventListener("click", () => applyLeft(form), { once: true });
    else applyLeft(form);
  });
  function applyLeft(form) {
    if (!form.isConnected || form.contains(document.activeElement)) return;
    if (!markInvalid(form)) return;
    if (asked(form) !== applied.get(form)) form.requestSubmit();
  }
  function markInvalid(form) {
    const wrong = [...form.elements].filter((field) => field.willValidate && !field.validity.valid);
    for (const field of wrong) {
      const id = field.id + "-problem";
      if (document.getElementById(id)) continue;
      const told = document.createElement("div");
      told.id = id;
      told.className = "invalid-feedback d-block";
      told.setAttribute("role", "alert");
      told.textContent = field.validationMessage;
      field.classList.add("is-invalid");
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", id);
      field.after(told);
    }
    return wrong.length === 0;
  }
  document.addEventListener("input", (event) => {
    const told = document.getElementById(event.target.id + "-problem");
    if (!told || !event.target.closest("form[data-filters]")) return;
    told.remove();
    event.target.classList.remove("is-invalid");
    event.target.removeAttribute("aria-invalid");
    event.target.removeAttribute("aria-describedby");
  });

  // --- a sign that something happens, within 200 ms (the style sheet waits 60 ms) -----------------------------------
  const busy = document.getElementById("busy");
  let waiting = 0;
  function wait() {
    waiting += 1;
    if (busy) busy.hidden = false;
    const page = document.getElementById("page");
    if (page) page.setAttribute("aria-busy", "true");
  }
  function arrived() {
    waiting = Math.max(0, waiting - 1);
    if (waiting) return;
    if (busy) busy.hidden = true;
    const page = document.getElementById("page");
    if (page) page.removeAttribute("aria-busy");
  }
  const polls = (context) => /every|load/.test(context.sourceElement.getAttribute("hx-trigger") || "");
  document.addEventListener("htmx:before:request", (event) => {
    if (!polls(event.detail.ctx)) wait();
  });
  document.addEventListener("htmx:finally:request", (event) => {
    if (!polls(event.detail.ctx)) arrived();
  });
  let isDownload = false;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    isDownload = Boolean(link && (link.hasAttribute("download") || /^(mailto|tel):/.test(link.href)));
  }, true);
  window.addEventListener("beforeunload", () => { if (!isDownload) wait(); });
  window.addEventListener("pageshow", () => { waiting = 0; arrived(); });

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
