/* Creating and removing packages: sent to the API, which answers programs. Why something is refused the page says itself,
   in the reader's words: the form goes to its own address then, and the page comes back with what was typed. */
(function () {
  'use strict';
  var acting = window.classairActing;
  var LISTS = ['rooms', 'quantities'];
  var TICKS = ['lesson', 'netcdf'];
  var busy = false;

  function words() { return JSON.parse(document.getElementById('export-form').getAttribute('data-words')); }

  function wish(form) {
    var said = new FormData(form);
    var found = {};
    said.forEach(function (value, key) { if (key !== 'lang' && key !== 'do') { found[key] = value; } });
    LISTS.forEach(function (key) { found[key] = said.getAll(key); });
    TICKS.forEach(function (key) { found[key] = said.get(key) === '1'; });
    return found;
  }

  function send(address, method, body) {
    return fetch(address, {
      method: method,
      headers: {'Content-Type': 'application/json', 'X-CSRF-Token': acting.cookie('classair_csrf')},
      body: JSON.stringify(body || {})
    });
  }

  function refused(status) {
    if (status === 401) { acting.say(words().signed_out, true); return true; }
    if (status === 403) { acting.say(words().not_yours, true); return true; }
    return false;
  }

  document.addEventListener('submit', function (event) {
    var button = event.submitter;
    if (event.target.id !== 'export-form' || !button || button.value !== 'make') { return; }
    event.preventDefault();
    if (busy) { return; }
    busy = true;
    send('/api/v1/exports', 'POST', wish(event.target)).then(function (answer) {
      if (answer.ok) { acting.say(words().begun); return; }
      if (!refused(answer.status)) {
        var search = new URLSearchParams(new FormData(event.target));
        search.set('do', 'make');
        location.assign(event.target.getAttribute('action') + '?' + search.toString());
      }
    }).catch(function () { acting.say(words().no_answer, true); }).finally(function () { busy = false; });
  });

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('button[data-remove]');
    if (!button || busy) { return; }
    busy = true;
    send(button.getAttribute('data-remove'), 'DELETE').then(function (answer) {
      if (answer.ok) { acting.say(words().removed); } else if (!refused(answer.status)) { acting.say(words().no_answer, true); }
    }).catch(function () { acting.say(words().no_answer, true); }).finally(function () { busy = false; });
  });
})();
