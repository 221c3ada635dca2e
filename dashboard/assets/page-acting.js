/* What every page that sends something shares: a cookie's value, places in a text, one line for what came of a press. */
window.classairActing = (function () {
  'use strict';
  var SAID_MS = 12000;
  var timer = 0;

  function cookie(name) {
    var found = document.cookie.split('; ').filter(function (one) { return one.indexOf(name + '=') === 0; })[0];
    return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
  }

  function fill(template, places) {
    return template.replace(/\{(\w+)\}/g, function (whole, name) { return name in places ? places[name] : whole; });
  }

  /* Outside of what the stream draws again. */
  function say(text, bad) {
    var place = document.getElementById('page-said');
    if (!place) {
      place = document.createElement('p');
      place.id = 'page-said';
      place.setAttribute('role', 'status');
      document.body.appendChild(place);
    }
    place.className = bad ? 'bad' : '';
    place.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(function () { place.textContent = ''; }, SAID_MS);
  }

  return {cookie: cookie, fill: fill, say: say};
})();
