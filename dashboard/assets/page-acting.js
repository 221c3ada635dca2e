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

  /* Why the server has refused, in the page's language: what the API says is for programs. */
  function why(status) {
    var kind = {400: 'invalid', 404: 'gone', 409: 'changed', 413: 'invalid', 422: 'invalid', 429: 'too_often'}[status];
    return fill(words(kind || 'other'), {code: status});
  }

  /* The fields that the server did not take, marked with the words beside them; what was typed stays. */
  function mark(form, status, said) {
    [].forEach.call(form.elements, function (field) { unmark(field); });
    if (status !== 422 && status !== 400) { return; }
    var name = String((said && said.error && said.error.where) || '').split('.').pop();
    var field = name && form.elements.namedItem(name);
    if (field && field.setAttribute) { fault(field, why(status)); }
  }

  function unmark(field) {
    field.removeAttribute('aria-invalid');
    var told = field.nextElementSibling;
    if (told && told.classList.contains('field-fault')) { told.remove(); }
  }

  /* What is wrong with a field, beside it. */
  function fault(field, text) {
    unmark(field);
    var told = document.createElement('span');
    told.className = 'field-fault';
    told.setAttribute('role', 'status');
    told.textContent = text;
    field.setAttribute('aria-invalid', 'true');
    field.insertAdjacentElement('afterend', told);
    field.focus();
  }

  /* Fields that must be filled, in the page's words: a browser would say it in its own language. */
  function complete(form) {
    var empty = [].filter.call(form.elements, function (field) { return field.required && !field.value.trim(); });
    [].forEach.call(form.elements, unmark);
    if (empty.length) { fault(empty[0], words('empty')); }
    return !empty.length;
  }

  function words(key) {
    var place = document.getElementById('refusals');
    return place ? JSON.parse(place.getAttribute('data-words'))[key] : '';
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

  /* A menu that is open closes when somebody turns to something else. */
  function fold(event) {
    [].forEach.call(document.querySelectorAll('.menu[open]'), function (menu) {
      if (event.key === 'Escape') { menu.open = false; menu.querySelector('summary').focus(); }
      if (event.type === 'click' && !menu.contains(event.target)) { menu.open = false; }
    });
  }

  document.addEventListener('click', fold);
  document.addEventListener('keydown', fold);

  return {cookie: cookie, fill: fill, say: say, why: why, mark: mark, fault: fault, unmark: unmark, complete: complete};
})();
