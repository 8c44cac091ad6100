// Starts the program. Its file names carry hashes, so the page's own preload links say what
// they are; this way no script has to stand in the page itself.
const href = (link) => document.head.querySelector(link).href;

const { default: init } = await import(href('link[rel="modulepreload"]'));
await init({ module_or_path: href('link[rel="preload"][type="application/wasm"]') });
