/* Presses of the purifiers' buttons, on every page that shows them. A press is sent to the API; what the purifier does
   is shown by the card itself, when alerts says so. OFF in dusty air is asked about first. */
(function () {
  'use strict';
  var acting = window.classairActing;
  var LOCAL_MS = 7 * 3600000;   // Thailand keeps one time all year

  function now() { return (window.classairNow && window.classairNow()) || Date.now(); }

  function two(n) { return (n < 10 ? '0' : '') + n; }

  function time(words, ms) {
    var at = new Date(ms + LOCAL_MS);
    var clock = words.clock.replace('%H', two(at.getUTCHours())).replace('%M', two(at.getUTCMinutes()));
    return acting.fill(words.time, {clock: clock});
  }

  function element(tag, text, kind) {
    var made = document.createElement(tag);
    if (text) { made.textContent = text; }
    if (kind) { made.className = kind; }
    return made;
  }

  /* Resolves to whether to go on. Escape and a click beside it keep the purifier as it is. */
  function ask(group, words, minutes) {
    return new Promise(function (resolve) {
      var end = now() + minutes * 60000;
      var box = element('dialog', '', 'switching-ask');
      var title = element('h2', words.ask_title);
      title.id = 'switching-ask-title';
      box.setAttribute('aria-labelledby', title.id);
      var form = element('form', '', 'switching-answers');
      form.method = 'dialog';
      var no = element('button', words.ask_no, 'do-no');
      var yes = element('button', acting.fill(words.ask_yes, {time: time(words, end)}), 'do-off');
      no.value = 'no';
      yes.value = 'yes';
      form.append(no, yes);
      box.append(title, element('p', group.getAttribute('data-ask')),
        element('p', acting.fill(words.ask_end, {time: time(words, end), n: minutes}), 'switching-end'), form);
      box.addEventListener('click', function (event) { if (event.target === box) { box.close('no'); } });
      box.addEventListener('close', function () {
        box.remove();
        resolve(box.returnValue === 'yes');
      });
      document.body.appendChild(box);
      box.showModal();
      no.focus();
    });
  }

  function why(words, status) {
    if (status === 401) { return words.signed_out; }
    if (status === 403) { return words.not_yours; }
    return acting.why(status);
  }

  function send(group, words, wish) {
    return fetch(group.getAttribute('data-send'), {
      method: 'POST',
      headers: {'Content-Type': 'application/json', 'X-CSRF-Token': acting.cookie('classair_csrf')},
      body: JSON.stringify(wish)
    }).then(function (answer) {
      return answer.json().catch(function () { return {}; }).then(function (said) {
        if (!answer.ok) { throw {status: answer.status, said: said}; }
        var text = wish['do'] === 'auto' || !said.until ? words.done_auto
          : acting.fill(words['done_' + wish['do']], {time: time(words, said.until)});
        acting.say(said.shortened ? text + ' ' + words.shortened : text);
      });
    }).catch(function (fault) {
      // Without an answer nobody knows whether the order arrived.
      var unsure = fault.status === 503 || !fault.status;
      acting.say(unsure ? words.no_answer : acting.fill(words.failed, {why: why(words, fault.status)}), true);
    });
  }

  function press(button) {
    var group = button.closest('.purifier-do');
    var words = JSON.parse(group.getAttribute('data-words'));
    var wish = {'do': button.getAttribute('data-order')};
    var choice = group.querySelector('[data-minutes="' + wish['do'] + '"]');
    if (choice && choice.value) { wish.minutes = Number(choice.value); }
    var first = Promise.resolve(true);
    if (wish['do'] === 'off' && group.getAttribute('data-ask')) {
      var minutes = Math.min(wish.minutes || Number(group.getAttribute('data-usual')),
        Number(group.getAttribute('data-longest')));
      first = ask(group, words, minutes);
    }
    return first.then(function (goes) { return goes ? send(group, words, wish) : null; });
  }

  var busy = false;   // a second tap while the first is on its way is no second order

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('button[data-order]');
    if (!button || busy) { return; }
    busy = true;
    button.classList.add('busy');
    press(button).finally(function () {
      busy = false;
      button.classList.remove('busy');
      if (button.isConnected) { button.focus({preventScroll: true}); }
    });
  });
})();
