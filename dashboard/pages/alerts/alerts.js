/* Acknowledging, silencing and ending a silence. A press is sent to the API, which waits for alerts; the page shows what
   alerts has recorded, never what was wished. */
(function () {
  'use strict';
  var acting = window.classairActing;
  var MINUTE_MS = 60000;
  var DAY_MS = 86400000;
  var LOCAL_MS = 7 * 3600000;   // Thailand keeps one time all year
  var LONGEST_DAYS = 30;
  var MORNING = 6;              // o'clock
  var busy = false;             // a second tap while the first is on its way is no second request

  function now() { return (window.classairNow && window.classairNow()) || Date.now(); }

  function words() {
    var place = document.querySelector('.alerts[data-words]');
    return place ? JSON.parse(place.getAttribute('data-words')) : {};
  }

  function send(address, method, body, done) {
    var spoken = words();
    return fetch(address, {
      method: method,
      headers: {'Content-Type': 'application/json', 'X-CSRF-Token': acting.cookie('classair_csrf')},
      body: JSON.stringify(body)
    }).then(function (answer) {
      return answer.json().catch(function () { return {}; }).then(function (said) {
        if (answer.ok) { acting.say(spoken[done]); return true; }
        if (answer.status === 401) { acting.say(spoken.signed_out, true); }
        else if (answer.status === 403) { acting.say(spoken.not_yours, true); }
        // Without an answer nobody knows whether the request arrived.
        else if (answer.status === 503) { acting.say(spoken.no_answer, true); }
        else { acting.say(acting.fill(spoken.failed, {why: acting.why(answer.status)}), true); }
        return false;
      });
    }).catch(function () { acting.say(spoken.no_answer, true); return false; });
  }

  function during(control, work) {
    if (busy) { return; }
    busy = true;
    control.classList.add('busy');
    work().finally(function () {
      busy = false;
      control.classList.remove('busy');
      if (control.isConnected) { control.focus({preventScroll: true}); }
    });
  }

  /* The end that was chosen, as the API takes it; null for a day that is none. */
  function end(form) {
    var length = form.elements.length_.value;
    var midnight = Math.floor((now() + LOCAL_MS) / DAY_MS) * DAY_MS - LOCAL_MS;
    if (length === 'tomorrow') { return {until: String(midnight + DAY_MS + MORNING * 60 * MINUTE_MS)}; }
    if (length !== 'date') { return {minutes: Number(length)}; }
    var day = Date.parse(form.elements.date.value + 'T00:00:00+07:00');
    if (!(day >= midnight && day < midnight + LONGEST_DAYS * DAY_MS)) { return null; }
    return {until: String(day + DAY_MS - MINUTE_MS)};
  }

  function fault(input, text) {
    acting.say(text, true);
    acting.fault(input, text);
  }

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('button[data-acknowledge], button[data-end], button[data-try]');
    if (!button) { return; }
    var address = button.getAttribute('data-acknowledge');
    var test = button.getAttribute('data-try');
    during(button, function () {
      if (test) { return send(test, 'POST', {}, 'done_try'); }
      return address ? send(address, 'POST', {}, 'done_acknowledge')
        : send(button.getAttribute('data-end'), 'DELETE', {}, 'done_end');
    });
  });

  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (!form.hasAttribute('data-silence')) { return; }
    event.preventDefault();
    var reason = form.elements.why;
    var until = end(form);
    ['why', 'date'].forEach(function (name) { acting.unmark(form.elements[name]); });
    if (!reason.value.trim()) { fault(reason, words().no_why); return; }
    if (!until) { fault(form.elements.date, words().no_date); return; }
    var body = Object.assign({why: reason.value.trim()}, until, JSON.parse(form.elements.about.value));
    during(form.querySelector('button'), function () {
      return send(form.getAttribute('data-silence'), 'POST', body, 'done_silence').then(function (done) {
        if (done) { form.reset(); form.closest('details').open = false; show(form); }
      });
    });
  });

  /* The day is asked for only where one is wanted. */
  function show(form) { form.classList.toggle('by-date', form.elements.length_.value === 'date'); }

  document.addEventListener('change', function (event) {
    var form = event.target.form;
    if (form && form.hasAttribute('data-silence')) { show(form); }
  });
})();
