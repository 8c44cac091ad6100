export default { optimizeDeps: { exclude: ['purrwall-widget'] } };
