// A service that knows nothing of payments: Express as its own documentation begins.

import express from 'express';

const app = express();
app.get('/forecast/about', (_, response) => response.send('Rain or shine'));
app.get('/forecast/:day', ({ params }, response) => response.json({ day: params.day, sky: 'sun' }));
const server = app.listen(process.env.PORT ?? 0, '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
