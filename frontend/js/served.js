// Where the parts are that the store serves: beside this script, under names and with hashes that
// `cargo xtask build` writes in.
const OFFER = new URL('./offer.js', import.meta.url);
const SEALED = new URL('./sealed.js', import.meta.url);
const GLUE = new URL('./purrwall-widget.js', import.meta.url);
const WASM = new URL('./purrwall-widget_bg.wasm', import.meta.url);
const STYLE = new URL('./wall.css', import.meta.url);
const INTEGRITY = {
  offer: 'sha384-of-the-offer',
  sealed: 'sha384-of-the-sealed',
  glue: 'sha384-of-the-glue',
  wasm: 'sha384-of-the-wasm',
  style: 'sha384-of-the-style',
};

const words = (language) => new URL(`./words/${language}.json`, import.meta.url).href;

const HOME = new URL('.', import.meta.url).href;

const loadStyle = () => file(STYLE, INTEGRITY.style);

/** What draws an offer. */
async function loadOffer() {
  await verify(OFFER, INTEGRITY.offer);
  return import(OFFER.href);
}

/** What opens sealed goods. */
async function loadSealed() {
  await verify(SEALED, INTEGRITY.sealed);
  return import(SEALED.href);
}

/** The program, started. */
async function loadProgram() {
  const [wasm] = await Promise.all([file(WASM, INTEGRITY.wasm), verify(GLUE, INTEGRITY.glue)]);
  const glue = await import(GLUE.href);
  await glue.default({ module_or_path: wasm });
  glue.sealed(loadSealed);
  return glue;
}

const file = (url, integrity) => fetch(url, { integrity }).catch(() => refused(url, integrity));

/** Fetches a module that `import` then takes as it is, if it has the hash that it must have. */
function verify(url, integrity) {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    if (!link.relList.supports('modulepreload')) throw new Error('this browser is too old');
    Object.assign(link, { rel: 'modulepreload', href: url, integrity, crossOrigin: 'anonymous' });
    link.onload = resolve;
    link.onerror = () => refused(url, integrity).catch(reject);
    document.head.append(link);
  });
}

/** Browsers do not say why they refuse a file: is it there, but for its hash? */
async function refused(url, integrity) {
  const { ok } = await fetch(url, { cache: 'reload' });
  const isRefusal = ok && !(await fetch(url, { integrity }).catch(() => false));
  const why = isRefusal ? ' has a wrong hash' : ' is not there';
  throw Object.assign(new Error(url + why), { isRefusal });
}

