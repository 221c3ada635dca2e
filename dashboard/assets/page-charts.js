/* Draws the charts of light pages, again when the server has sent another figure, and fetches the parts of a page that
   are made when somebody wants to see them. A chart off the screen waits until the ones on it are drawn. */
(function () {
  'use strict';
  var drawn = new WeakMap();   // which figure a place shows
  var seen = typeof IntersectionObserver === 'undefined' ? null : new IntersectionObserver(function (all) {
    all.forEach(function (one) { if (one.isIntersecting) { seen.unobserve(one.target); draw(one.target); } });
  }, {});

  function draw(place) {
    var text = place.getAttribute('data-figure');
    if (drawn.get(place) === text) { return; }
    drawn.set(place, text);
    var said = JSON.parse(text);
    said.figure.layout.autosize = true;
    said.config.responsive = true;
    Plotly.react(place.querySelector('.plot-drawn'), said.figure.data, said.figure.layout, said.config);
  }

  /* Whatever is off the screen follows when the browser has nothing else to do. */
  function rest() {
    var left = [].filter.call(document.querySelectorAll('.plot[data-figure]'), function (place) { return !drawn.has(place); });
    if (left.length) { draw(left[0]); later(); }
  }

  function later() { (window.requestIdleCallback || function (call) { setTimeout(call, 200); })(rest); }

  function look() {
    document.querySelectorAll('.plot[data-figure]').forEach(function (place) {
      if (drawn.has(place) || !seen) { draw(place); } else { seen.observe(place); }
    });
  }

  function fetchInto(place) {
    if (place.getAttribute('aria-busy') === 'true') { return; }
    place.setAttribute('aria-busy', 'true');
    fetch(place.getAttribute('data-fetch'), {headers: {Accept: 'text/html'}}).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.text();
    }).then(function (text) { place.innerHTML = text; }).catch(function () {
      place.textContent = document.getElementById('server-away').textContent;
    }).finally(function () { place.removeAttribute('aria-busy'); });
  }

  document.addEventListener('toggle', function (event) {
    var place = event.target.open && event.target.querySelector('[data-fetch][data-when=open]');
    if (place) { fetchInto(place); }
  }, true);

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('button[data-fetches]');
    var place = button && document.getElementById(button.getAttribute('data-fetches'));
    if (place) { fetchInto(place.querySelector('[data-fetch]') || place); }
  });

  /* Plotly's own drawing is no news. */
  function news(all) {
    if (all.some(function (one) { return !one.target.closest || !one.target.closest('.plot-drawn'); })) { look(); }
  }

  new MutationObserver(news).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ['data-figure'],
  });
  look();
  setTimeout(later, 300);
})();
