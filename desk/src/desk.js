// What makes the desk more comfortable where scripts run; without it everything works, too.

const form = document.getElementById('add');
form?.addEventListener('submit', (event) => {
  event.preventDefault();
  upload(form);
});

/** Sends the form, and shows how much of it has arrived. What was typed stays if it is refused. */
function upload(form) {
  const area = form.querySelector('.uploading');
  const bar = area.querySelector('progress');
  const alert = form.querySelector('[role=alert]');
  const button = form.querySelector('button');
  const request = new XMLHttpRequest();
  const end = (text) => {
    area.hidden = true;
    button.disabled = false;
    alert.textContent = text;
    alert.hidden = false;
  };
  request.open('POST', form.action);
  request.setRequestHeader('accept', 'application/json');
  request.upload.addEventListener('progress', ({ loaded, total }) => {
    bar.value = total > 0 ? (100 * loaded) / total : 0;
  });
  request.addEventListener('load', () => {
    if (request.status === 200) {
      location.assign(JSON.parse(request.responseText).to);
      return;
    }
    // A page of the desk's, which says why.
    const page = new DOMParser().parseFromString(request.responseText, 'text/html');
    const told = [...page.querySelectorAll('main [role=alert], main .detail')];
    end(told.map((element) => element.textContent).join(' ') || form.dataset.broken);
  });
  request.addEventListener('error', () => end(form.dataset.broken));
  alert.hidden = true;
  area.hidden = false;
  button.disabled = true;
  bar.value = 0;
  request.send(new FormData(form));
}
