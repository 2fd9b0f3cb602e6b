// Tells the portal which pages a visitor opens, if they may be remembered. See docs/web-forms.md.
(function (site) {
  "use strict";
  var nav = navigator, doc = document, NAME = "revops", IDLE = 18e5;
  var no = nav.globalPrivacyControl || nav.doNotTrack === "1" || window.doNotTrack === "1";
  var may;

  function read() {
    try { return JSON.parse(localStorage.getItem(NAME)); } catch (e) { return null; }
  }
  function write(kept) {
    try {
      if (kept) localStorage.setItem(NAME, JSON.stringify(kept));
      else localStorage.removeItem(NAME);
    } catch (e) { /* the browser keeps nothing */ }
  }
  function id() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), function (b) {
      return (b + 256).toString(16).slice(1);
    }).join("");
  }
  function tags() {
    return (location.search.match(/[?&](utm_\w+|\w*cl(id|kid)|[gw]braid)=[^&]+/gi) || []).join("").toLowerCase();
  }
  // The visitor, the first page ever and the first page of this session; nothing where nothing may be kept.
  function visit() {
    if (!may) return null;
    var now = Date.now(), kept = read() || {v: id()}, tag = tags(), s = kept.s;
    var here = {t: now, p: location.href.slice(0, 1000), r: doc.referrer.slice(0, 1000), g: tag, l: now};
    kept.f = kept.f || {t: now, p: here.p, r: here.r};
    if (!s || now - s.l >= IDLE || (tag && tag !== s.g)) kept.s = here;
    else s.l = now;
    write(kept);
    return kept;
  }
  function page() {
    var kept = visit();
    if (!kept) return;
    var url = site.url + "/t/" + site.key;
    var body = JSON.stringify({v: kept.v, p: location.href.slice(0, 1000), r: doc.referrer.slice(0, 1000)});
    if (!nav.sendBeacon || !nav.sendBeacon(url, body)) {
      fetch(url, {method: "POST", body: body, keepalive: true, mode: "no-cors"}).catch(function () {});
    }
  }
  function start() {
    if (doc.prerendering) doc.addEventListener("prerenderingchange", page, {once: true});
    else page();
  }

  window.revops = {
    visit: visit,
    page: page,
    consent: function (given) {
      var before = may;
      may = !!given && !no;
      if (!may) write(null);
      else if (!before) start();
    }
  };
  if (no) write(null);
  may = !no && (!site.ask || !!read());
  if (may) start();
  // Forms of the portal's own pages learn whose visit it is.
  doc.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a[href]");
    if (!link || link.href.indexOf(site.url + "/f/") || !visit()) return;
    var url = new URL(link.href);
    url.searchParams.set("rv", visit().v);
    link.href = url;
  });
})(revopsSite);
