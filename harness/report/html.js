'use strict';
document.getElementById('tools').hidden = false;
const filter = document.getElementById('filter');
const failures = document.getElementById('failures');
function show() {
  const word = filter.value.toLowerCase();
  for (const row of document.querySelectorAll('#matrix tbody tr')) {
    const bad = row.querySelector('td.fail, td.warn') !== null;
    const fits = row.textContent.toLowerCase().includes(word);
    row.hidden = (failures.checked ? !bad : false) || !fits;
  }
}
filter.addEventListener('input', show);
failures.addEventListener('change', show);
