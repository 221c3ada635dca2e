/* Giving and declining records. A press is sent to the API, which makes and signs the files before it answers. */
(function () {
  'use strict';
  var acting = window.classairActing;
  var busy = false;

  function words() { return JSON.parse(document.querySelector('.records[data-words]').getAttribute('data-words')); }

  function send(button, address, body, done) {
    var spoken = words();
    if (busy) { return; }
    busy = true;
    button.disabled = true;
    if (done === 'given') { acting.say(spoken.working); }
    fetch(address, {
      method: 'POST',
      headers: {'Content-Type': 'application/json', 'X-CSRF-Token': acting.cookie('classair_csrf')},
      body: JSON.stringify(body)
    }).then(function (answer) {
      return answer.json().catch(function () { return {}; }).then(function (said) {
        if (answer.ok) { acting.say(spoken[done]); return; }
        if (answer.status === 401) { acting.say(spoken.signed_out, true); return; }
        acting.say(acting.fill(spoken.failed, {why: (said.error && said.error.what) || answer.status}), true);
      });
    }).catch(function () { acting.say(spoken.no_answer, true); }).finally(function () {
      busy = false;
      button.disabled = false;
    });
  }

  document.addEventListener('click', function (event) {
    var button = event.target.closest('[data-approve], [data-decline]');
    if (!button) { return; }
    var id = button.getAttribute('data-approve') || button.getAttribute('data-decline');
    var address = '/api/v1/records/' + encodeURIComponent(id);
    if (button.hasAttribute('data-approve')) { send(button, address + '/approve', {}, 'given'); return; }
    var field = document.getElementById('reason-' + id);
    var reason = field.value.trim();
    if (reason.length < 3) { acting.say(words().reason_missing, true); field.focus(); return; }
    send(button, address + '/decline', {reason: reason}, 'declined');
  });
})();
