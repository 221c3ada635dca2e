/* Deeds on a report: sent to the API as JSON; what came of it is said in words. A photo is made smaller before. */
(function () {
  'use strict';
  var acting = window.classairActing;
  var LONGEST_SIDE = 1600;
  var HOUR_MS = 3600000;

  function now() { return (window.classairNow && window.classairNow()) || Date.now(); }

  function base64(blob) {
    return new Promise(function (done, failed) {
      var reader = new FileReader();
      reader.onload = function () { done(String(reader.result).split(',')[1] || ''); };
      reader.onerror = failed;
      reader.readAsDataURL(blob);
    });
  }

  /* As a JPEG of at most 1600 px; what this browser cannot draw is sent as it is, and the server judges it. */
  function smaller(file) {
    if (!window.createImageBitmap) { return Promise.resolve(file); }
    return createImageBitmap(file, {imageOrientation: 'from-image'}).then(function (picture) {
      var scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
      var canvas = document.createElement('canvas');
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
      return new Promise(function (done) { canvas.toBlob(function (blob) { done(blob || file); }, 'image/jpeg', 0.85); });
    }).catch(function () { return file; });
  }

  function filled(form) {
    var found = {}, waits = [];
    [].slice.call(form.elements).forEach(function (field) {
      if (!field.name || (field.type === 'radio' && !field.checked)) { return; }
      if (field.name === 'until_hours') {
        found.until = String(Math.round(now() + Number(field.value) * HOUR_MS));
      } else if (field.type === 'file') {
        if (field.files.length) {
          waits.push(smaller(field.files[0]).then(base64).then(function (text) { found.photo = text; }));
        }
      } else {
        found[field.name] = field.name === 'fixed_minutes' ? Number(field.value) : field.value.trim();
      }
    });
    if ('proof' in found) { found.language = form.getAttribute('data-language'); }
    return Promise.all(waits).then(function () { return found; });
  }

  function why(words, status, said) {
    if (status === 401) { return words.signed_out; }
    if (status === 403) { return words.not_yours; }
    var where = String((said && said.error && said.error.where) || '').split('.').pop();
    return words[where] || String(status);
  }

  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (!form.matches || !form.matches('.ticket-form[data-send]')) { return; }
    event.preventDefault();
    var words = JSON.parse(form.getAttribute('data-words'));
    var button = form.querySelector('button[type=submit]');
    if (button.disabled) { return; }
    button.disabled = true;   // a second tap while the first is on its way is no second request
    filled(form).then(function (body) {
      return fetch(form.getAttribute('data-send'), {
        method: 'POST',
        headers: {'Content-Type': 'application/json', 'X-CSRF-Token': acting.cookie('classair_csrf')},
        body: JSON.stringify(body)
      });
    }).then(function (answer) {
      return answer.json().catch(function () { return {}; }).then(function (said) {
        if (!answer.ok) { throw {status: answer.status, said: said}; }
        form.reset();
        var more = form.closest('details');
        if (more) { more.open = false; }
        acting.say(words.done);
      });
    }).catch(function (fault) {
      // Without an answer nobody knows whether the request arrived.
      var unsure = fault.status === 503 || !fault.status;
      acting.say(unsure ? words.no_answer : acting.fill(words.failed, {why: why(words, fault.status, fault.said)}), true);
    }).finally(function () { button.disabled = false; });
  });

  /* What the server finds of evidence at this moment, before anything is sent. */
  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('button[data-look]');
    if (!button) { return; }
    var form = button.form, words = JSON.parse(form.getAttribute('data-words'));
    var place = form.querySelector('.found');
    var asked = '?language=' + form.getAttribute('data-language') + '&fixed_minutes=' + form.elements.fixed_minutes.value;
    place.textContent = words.looking;
    fetch(button.getAttribute('data-look') + asked).then(function (answer) {
      return answer.json().then(function (said) {
        if (!answer.ok) { throw {status: answer.status, said: said}; }
        place.textContent = said.words ? acting.fill(words.found, {words: said.words}) : words['proof_' + said.why] || '';
      });
    }).catch(function (fault) { place.textContent = fault.status ? why(words, fault.status, fault.said) : words.no_answer; });
  });
})();
