import vue from '@vitejs/plugin-vue';

const isCustomElement = (tag) => tag === 'purr-wall';

export default {
  plugins: [vue({ template: { compilerOptions: { isCustomElement } } })],
};
