// Counts how often a form's own page is shown.
navigator.sendBeacon(location.pathname.replace(/\/$/, "") + "/shown");
