export default {
  mode: 'development',
  devtool: false,
  entry: './main.js',
  output: { filename: 'main.js' },
};
