// Where the parts are in the package: beside this file, in forms that bundlers and their development
// servers take along as they are. npm has checked the package, so nothing is checked again.
const STYLE = new URL('./wall.txt', import.meta.url);
const WORDS = {
  ar: new URL('./words/ar.txt', import.meta.url),
  de: new URL('./words/de.txt', import.meta.url),
  es: new URL('./words/es.txt', import.meta.url),
  fr: new URL('./words/fr.txt', import.meta.url),
  ja: new URL('./words/ja.txt', import.meta.url),
};

const words = (language) => WORDS[language].href;

/** A package comes from no store. */
const HOME = undefined;

const loadStyle = () => fetch(STYLE);

/** What draws an offer. */
const loadOffer = () => import('./offer.js');

/** What opens sealed goods. */
const loadSealed = () => import('./sealed.js');

/** The program, started. */
async function loadProgram() {
  const glue = await import('./purrwall-web.js');
  await glue.default();
  glue.sealed(loadSealed);
  return glue;
}
