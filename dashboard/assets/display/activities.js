/* Storing a class's experiment: sent to the API, which waits for ingest; the page says what came of it. */
(function () {
  'use strict';
  var form = document.getElementById('save-experiment');
  if (!form) { return; }
  var acting = window.classairActing;
  var told = JSON.parse(form.getAttribute('data-event'));
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    var question = form.elements.question.value.trim();
    var result = form.elements.result.value.trim();
    if (!question || !result) { acting.say(told.words.empty, true); return; }
    var button = form.querySelector('button');
    button.disabled = true;
    fetch('/api/v1/events', {
      method: 'POST',
      headers: {'Content-Type': 'application/json', 'X-CSRF-Token': acting.cookie('classair_csrf')},
      body: JSON.stringify({site: told.site, room: told.room, kind: 'experiment', start: Number(told.start),
        end: Number(told.end), question: question, result: result})
    }).then(function (answer) {
      if (answer.ok) { acting.say(told.words.done); form.elements.result.value = ''; return; }
      acting.say(answer.status === 503 ? told.words.away : told.words.refused, true);
    }).catch(function () { acting.say(told.words.away, true); }).finally(function () { button.disabled = false; });
  });
})();
