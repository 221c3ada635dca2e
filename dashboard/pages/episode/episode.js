/* Forms of the smoke episode's page: sent to the API as JSON; what came of it is said in words, once for all forms. */
(function () {
  'use strict';
  var acting = window.classairActing;

  function filled(form) {
    var found = {};
    [].slice.call(form.elements).forEach(function (field) {
      if (!field.name) { return; }
      if (field.type === 'checkbox') {
        found[field.name] = (found[field.name] || []).concat(field.checked ? [field.value] : []);
      } else {
        found[field.name] = field.name === 'due_minutes' ? Number(field.value) : field.value;
      }
    });
    return found;
  }

  function why(words, status) {
    if (status === 401) { return words.signed_out; }
    if (status === 403) { return words.not_yours; }
    return acting.why(status);
  }

  document.addEventListener('submit', function (event) {
    var form = event.target;
    var send = form.getAttribute && form.closest('.episode') && form.getAttribute('data-send');
    if (!send) { return; }
    event.preventDefault();
    var words = JSON.parse(form.getAttribute('data-words'));
    var button = form.querySelector('button[type=submit]');
    if (button.disabled || !acting.complete(form)) { return; }
    button.disabled = true;   // a second tap while the first is on its way is no second request
    fetch(send, {
      method: 'POST',
      headers: {'Content-Type': 'application/json', 'X-CSRF-Token': acting.cookie('classair_csrf')},
      body: JSON.stringify(filled(form))
    }).then(function (answer) {
      return answer.json().catch(function () { return {}; }).then(function (said) {
        if (!answer.ok) { throw {status: answer.status, said: said}; }
        form.reset();
        var more = form.closest('details');
        if (more) { more.open = false; }
        acting.say(words.done);
      });
    }).catch(function (fault) {
      acting.mark(form, fault.status, fault.said);
      // Without an answer nobody knows whether the request arrived.
      var unsure = fault.status === 503 || !fault.status;
      acting.say(unsure ? words.no_answer : words.failed.replace('{why}', why(words, fault.status)), true);
    }).finally(function () { button.disabled = false; });
  });
})();
