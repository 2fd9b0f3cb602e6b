// Shows forms of the portal on other sites: <div data-revops-form="KEY"></div>. See docs/web-forms.md.
(function () {
  "use strict";
  var base = new URL(document.currentScript.src).origin, count = 0;

  function make(tag, attributes, text) {
    var made = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) {
      if (attributes[name] !== "" && attributes[name] !== false && attributes[name] != null) {
        made.setAttribute(name, attributes[name] === true ? "" : attributes[name]);
      }
    });
    if (text) made.textContent = text;
    return made;
  }

  function question(field, optional) {
    var id = "revops-" + ++count, box = make("div", {class: "revops-field"});
    var common = {id: id, name: field.name, required: field.required, "aria-describedby": id + "-note"};
    var input, label = make("label", {for: id}, field.label + (field.required ? "" : " (" + optional + ")"));
    if (field.input === "select") {
      input = make("select", common);
      [""].concat(field.options).forEach(function (option) { input.append(make("option", {value: option}, option)); });
    } else if (field.input === "textarea") {
      input = make("textarea", Object.assign(common, {maxlength: field.longest, rows: 4}));
    } else {
      input = make("input", Object.assign(common, {
        type: field.input, maxlength: field.longest, autocomplete: field.autocomplete
      }));
    }
    var note = make("p", {id: id + "-note", class: "revops-note"}, field.help);
    note.dataset.help = field.help;
    if (field.input === "checkbox") box.append(input, label, note);
    else box.append(label, input, note);
    return box;
  }

  function send(form, key, told, state) {
    var values = {}, button = form.querySelector("button");
    new FormData(form).forEach(function (value, name) { values[name] = value; });
    var trap = values.homepage || "", visit = window.revops && window.revops.visit && window.revops.visit();
    delete values.homepage;
    var session = (visit && visit.s) || {p: location.href, r: document.referrer};
    button.disabled = true;
    fetch(base + "/f/" + key + "/submissions", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      credentials: "omit",
      body: JSON.stringify({
        values: values, homepage: trap, token: told.token, page: session.p.slice(0, 1000),
        referrer: session.r.slice(0, 1000), visitor: (visit && visit.v) || "", first: (visit && visit.f) || null
      })
    }).then(function (answer) {
      if (answer.status !== 200 && answer.status !== 422) throw new Error(answer.status);
      return answer.json();
    }).then(function (answer) {
      button.disabled = false;
      if (answer.status === "received") {
        if (answer.redirect) { location.assign(answer.redirect); return; }
        form.replaceWith(state);
        state.textContent = answer.message;
        state.focus();
        return;
      }
      state.textContent = answer.message;
      Array.prototype.forEach.call(form.elements, function (input) {
        var note = document.getElementById(input.id + "-note");
        if (!note) return;
        var fault = answer.errors[input.name];
        input.setAttribute("aria-invalid", fault ? "true" : "false");
        note.textContent = fault || note.dataset.help;
        note.className = fault ? "revops-note revops-fault" : "revops-note";
      });
      var wrong = form.querySelector('[aria-invalid="true"]');
      if (wrong) { wrong.focus(); return; }
      return load(key).then(function (fresh) { told.token = fresh.token; });
    }).catch(function () {
      button.disabled = false;
      state.textContent = told.away;
    });
  }

  function load(key) {
    return fetch(base + "/f/" + key + "/embed", {credentials: "omit"}).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    });
  }

  function show(box, key) {
    load(key).then(function (told) {
      var form = make("form", {class: "revops-form", novalidate: true, lang: told.language});
      var state = make("p", {class: "revops-state", role: "status", tabindex: "-1", lang: told.language});
      told.fields.forEach(function (field) { form.append(question(field, told.optional)); });
      if (told.consent) {
        form.append(question({
          name: "consent", label: told.consent.text, input: "checkbox", required: told.consent.required, help: ""
        }, told.optional));
      }
      var trap = make("input", {name: "homepage", tabindex: "-1", autocomplete: "off", "aria-hidden": "true"});
      trap.style.cssText = "position:absolute;left:-9999px";
      form.append(trap, make("button", {type: "submit"}, told.submit), state);
      form.addEventListener("submit", function (event) {
        event.preventDefault();
        send(form, key, told, state);
      });
      box.replaceChildren(form);
      navigator.sendBeacon(base + "/f/" + key + "/shown");
    }).catch(function () {
      box.replaceChildren(make("a", {href: base + "/f/" + key}, base.replace(/^https?:\/\//, "")));
    });
  }

  function start() {
    document.querySelectorAll("[data-revops-form]").forEach(function (box) {
      show(box, box.getAttribute("data-revops-form"));
    });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
